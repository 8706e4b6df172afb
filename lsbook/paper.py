"""The paper's numbers and claims as data, each with its place in the paper.

Müller, Kornblith, Hinton, "When Does Label Smoothing Help?", NeurIPS 2019, arXiv 1906.02629v3.
Numbers and claims of other works name their source. What we ran is in ``lsbook.runs``;
``lsbook.ledger`` compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass

KEY = "muller2019"
REPRODUCTION = "wagner2023"
"""The public reproduction ``sdwagner/re-labelsmoothing``."""

SECTIONS = {
    "1": "Introduction",
    "2": "Penultimate layer representations",
    "3": "Implicit model calibration",
    "4": "Knowledge distillation",
    "A": "Appendix",
    "later": "What came after",
}


@dataclass(frozen=True, kw_only=True)
class Number:
    """One published number, or the set of settings a published sweep ran over.

    Attributes
    ----------
    id : str
        Unique, stable name, such as ``table3/cifar100/resnet56/temperature``.
    section : str
        A key of ``SECTIONS``.
    place : str
        Table, figure or paragraph the number is printed in.
    symbol : str
        What is counted, in the words of the field: ``accuracy``, ``ECE``, ``BLEU``.
    value : float or tuple of float
        As printed; a tuple for the settings of a sweep.
    unit : str
        ``%``, ``nats``, ``steps``; empty for a pure number.
    spread : float or None
        The ± printed beside the value.
    dataset, model : str
        The experiment; empty for a number that belongs to none.
    alpha, T : float or None
        Label smoothing and softmax temperature; of the teacher, where there is one. None where
        the text names neither.
    role : str
        ``teacher``, ``student``, ``baseline`` where one experiment trains several networks.
    note : str
        What the symbols cannot say.
    source : str
        Key of the work in the book's bibliography; the paper itself by default. One source is no
        published work: ``simulation``, which `lsbook.estimators.information.simulate_bias` draws
        again.
    """

    id: str
    section: str
    place: str
    symbol: str
    value: float | tuple[float, ...]
    unit: str = ""
    spread: float | None = None
    dataset: str = ""
    model: str = ""
    alpha: float | None = None
    T: float | None = None
    role: str = ""
    note: str = ""
    source: str = KEY


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One thing the paper (or a later work) says happens.

    Attributes
    ----------
    id : str
        Unique, stable name.
    section, place : str
        As for :class:`Number`.
    title, text : str
        The claim in a few words and in one sentence of ours.
    chapter : str
        Stem of the chapter that shows it.
    dataset, model : str
        The setting it was made for.
    numbers : tuple of str
        Ids of the published numbers it rests on.
    source : str
        Key of the work in the book's bibliography; the paper itself by default.
    """

    id: str
    section: str
    place: str
    title: str
    text: str
    chapter: str
    dataset: str = ""
    model: str = ""
    numbers: tuple[str, ...] = ()
    source: str = KEY


def _table_1() -> list[Number]:
    rows = (
        ("imagenet", "inception-v2", "top-1 error", "%", (("hard", 23.1), ("smoothed", 22.8))),
        ("imagenet", "inception-v2", "top-5 error", "%", (("hard", 6.3), ("smoothed", 6.1))),
        ("en-de", "transformer", "BLEU", "", (("hard", 25.3), ("smoothed", 25.8))),
        ("en-de", "transformer", "perplexity", "", (("hard", 4.67), ("smoothed", 4.92))),
        ("wsj", "bilstm-attention", "word error rate", "%",
         (("hard", 8.9), ("smoothed", 7.0), ("unigram", 6.7))),
    )
    notes = {"hard": "", "smoothed": ", uniform prior", "unigram": ", unigram prior"}
    return [
        Number(id=f"table1/{dataset}/{model}/{symbol.replace(' ', '-')}/{word}", section="1",
               place="Table 1", symbol=symbol, value=value, unit=unit, dataset=dataset, model=model,
               alpha=0.0 if word == "hard" else None, note="survey of earlier works" + notes[word])
        for dataset, model, symbol, unit, cells in rows
        for word, value in cells
    ]


def _word(alpha: float) -> str:
    return "smoothed" if alpha else "hard"


def _table_2() -> list[Number]:
    rows = (
        ("cifar10", "alexnet", ((0.0, 86.8, 0.2), (0.1, 86.7, 0.3))),
        ("cifar100", "resnet56", ((0.0, 72.1, 0.3), (0.1, 72.7, 0.3))),
        ("imagenet", "inception-v4", ((0.0, 80.9, None), (0.1, 80.9, None))),
    )
    return [
        Number(id=f"table2/{dataset}/{model}/{_word(alpha)}", section="2", place="Table 2",
               symbol="accuracy", value=value, unit="%", spread=spread, dataset=dataset,
               model=model, alpha=alpha, T=1.0)
        for dataset, model, cells in rows
        for alpha, value, spread in cells
    ]


def _table_3() -> list[Number]:
    rows = (
        ("cifar100", "resnet56", 0.150, (0.021, 1.9), (0.024, 0.05)),
        ("imagenet", "inception-v4", 0.071, (0.022, 1.4), (0.035, 0.1)),
        ("en-de", "transformer", 0.056, (0.018, 1.13), (0.019, 0.1)),
    )
    numbers = []
    for dataset, model, hard, (scaled, T), (smoothed, alpha) in rows:
        here = dict(section="3", place="Table 3", dataset=dataset, model=model)
        stem = f"table3/{dataset}/{model}"
        numbers += [
            Number(id=f"{stem}/hard", symbol="ECE", value=hard, alpha=0.0, T=1.0, **here),
            Number(id=f"{stem}/scaled", symbol="ECE", value=scaled, alpha=0.0, T=T, **here),
            Number(id=f"{stem}/temperature", symbol="optimal temperature", value=T, alpha=0.0,
                   **here),
            Number(id=f"{stem}/smoothed", symbol="ECE", value=smoothed, alpha=alpha, T=1.0, **here),
        ]
    return numbers


def _mnist() -> list[Number]:
    rows = (
        ("teacher", 0.0, 0.67, "hard targets, dropout"),
        ("student", 0.0, 0.74, "teacher with hard targets and dropout"),
        ("teacher", 0.1, 0.59, "label smoothing, no dropout"),
        ("student", 0.1, 0.91, "teacher with label smoothing"),
    )
    return [
        Number(id=f"mnist/{role}/{_word(alpha)}", section="4", place="Section 4, first paragraph",
               symbol="test error", value=value, unit="%", dataset="mnist", model="mlp",
               alpha=alpha, role=role, note=note)
        for role, alpha, value, note in rows
    ]


def _figures() -> list[Number]:
    fig5 = dict(section="4", place="Figure 5", dataset="cifar10")
    fig6 = dict(section="4", place="Figure 6", dataset="cifar10", model="resnet56")
    return [
        Number(id="figure1/examples", section="2", place="Figure 1", symbol="examples a class",
               value=100),
        Number(id="figure1/alphas", section="2", place="Figure 1", symbol="α", value=(0.0, 0.1)),
        Number(id="figure2/bins", section="3", place="Figure 2", symbol="bins of equal width",
               value=15),
        Number(id="figure2/temperature", section="3", place="Figure 2", symbol="temperature",
               value=1.9, dataset="cifar100", model="resnet56", alpha=0.0),
        Number(id="figure2/alpha", section="3", place="Figure 2", symbol="α", value=0.05,
               dataset="cifar100", model="resnet56"),
        Number(id="figure3/tokens", section="3", place="Figure 3", symbol="validation tokens",
               value=10_000, dataset="en-de", model="transformer", note="about"),
        Number(id="figure5/temperatures", symbol="teacher temperature",
               value=(1, 2, 3, 4, 8, 12, 16), model="alexnet", alpha=0.0, role="student", **fig5),
        Number(id="figure5/alphas", symbol="α of the teacher",
               value=(0.0, 0.15, 0.30, 0.45, 0.60, 0.75), model="alexnet", T=1.0, role="student",
               **fig5),
        Number(id="figure5/seeds", symbol="seeds", value=5, note="drawn as min, mean, max", **fig5),
        Number(id="figure5/best-alpha", symbol="best α of the teacher", value=0.6,
               model="resnet56", role="teacher", note="about", **fig5),
        Number(id="figure6/examples", symbol="N", value=600, **fig6),
        Number(id="figure6/draws", symbol="L", value=5, **fig6),
        Number(id="figure6/every", symbol="distance between estimates", value=4000, unit="steps",
               **fig6),
        Number(id="figure6/collapsed", symbol="MI of two collapsed clusters", value=0.693,
               unit="nats", note="log 2", **fig6),
    ]


_RECIPES = {
    ("cifar10", "alexnet"): (
        ("batch size", 128, ""), ("training length", 390_000, "steps"), ("learning rate", 0.1, ""),
        ("learning rate divided by 10 every", 130_000, "steps"), ("loss multiplier", 3, ""),
        ("weight decay", 0.04, ""), ("penultimate width", 192, ""),
    ),
    ("cifar10", "resnet56"): (
        ("batch size", 128, ""), ("training length", 64_000, "steps"), ("momentum", 0.9, ""),
        ("learning rate", 0.1, ""), ("learning rate divided by 10 at", (32_000, 48_000), "steps"),
        ("loss multiplier", 3, ""), ("weight decay", 1e-4, ""), ("gradient norm clip", 1.0, ""),
        ("penultimate width", 64, ""),
    ),
    ("en-de", "transformer"): (
        ("α", (0.0, 0.1), ""), ("sub-word vocabulary", 32_000, ""),
        ("training length", 300_000, "steps"),
    ),
    ("imagenet", "inception-v4"): (
        ("batch size", 4096, ""), ("momentum", 0.9, ""), ("weight decay", 8e-5, ""),
        ("weight average decay", 0.9999, ""),
    ),
    ("mnist", "mlp"): (
        ("teacher hidden units", (1200, 1200), ""), ("student hidden units", (800, 800), ""),
        ("teacher α", 0.1, ""), ("shift", 2, "pixels"), ("variance of initial weights", 0.03, ""),
        ("learning rate", 1, ""), ("learning rate of the last layer", 0.1, ""),
        ("training length", 100, "epochs"), ("share of the previous gradient", 0.9, ""),
        ("β", 0.6, ""),
    ),
}


def _recipes() -> list[Number]:
    numbers = [
        Number(id="appendix/cifar/split", section="A", place="Appendix A",
               symbol="training and validation examples", value=(40_000, 10_000),
               note="of the 50,000 training images; results are on the validation part"),
    ]
    return numbers + [
        Number(id=f"appendix/{dataset}/{model}/{symbol.replace(' ', '-')}", section="A",
               place="Appendix A", symbol=symbol, value=value, unit=unit, dataset=dataset,
               model=model)
        for (dataset, model), rows in _RECIPES.items()
        for symbol, value, unit in rows
    ]


def _later() -> list[Number]:
    grid = ((1, 71.49, 71.67), (2, 71.36, 68.86), (3, 69.67, 67.75))
    numbers = [
        Number(id=f"chandrasegaran2022/T{T}/{_word(alpha)}", section="later", place="T × α table",
               symbol="accuracy", value=value, unit="%", dataset="imagenet", model="resnet18",
               alpha=alpha, T=T, role="student", note="teacher ResNet-50",
               source="chandrasegaran2022")
        for T, *values in grid
        for alpha, value in zip((0.0, 0.1), values)
    ]
    bias = (("one", "reused", 0.11, "true value 0"), ("one", "fresh", -0.07, "true value 0"),
            ("two", "reused", 0.80, "true value log 2"), ("two", "fresh", 0.63, "true value log 2"))
    numbers += [
        Number(id=f"simulation/{clusters}-cluster/{form}", section="4", place="not in the paper",
               symbol="estimated MI", value=value, unit="nats", source="simulation",
               note=f"Gaussian simulation, N = 600, L = 5, {form} draw, {truth}")
        for clusters, form, value, truth in bias
    ]
    return numbers + _reproduction()


def _reproduction() -> list[Number]:
    """The reproduction by Wagner, Kurowski, Holländer and Uelwer: accuracies, ECE, MNIST."""
    accuracies = (
        ("cifar10", "alexnet", 0.0, 85.01), ("cifar10", "alexnet", 0.1, 85.47),
        ("cifar10", "resnet56", 0.0, 93.59), ("cifar10", "resnet56", 0.1, 93.33),
        ("cifar100", "resnet56", 0.0, 71.61), ("cifar100", "resnet56", 0.1, 72.07),
    )
    calibration = (  # hard, at its best T, that T, then by α
        ("cifar10", "alexnet", 0.097, 0.012, 2.5, ((0.05, 0.026), (0.1, 0.048))),
        ("cifar10", "resnet56", 0.049, 0.006, 3.1, ((0.05, 0.028), (0.1, 0.065))),
        ("cifar100", "resnet56", 0.207, 0.029, 2.9, ((0.05, 0.053), (0.1, 0.043))),
    )
    errors = (("teacher", 0.0, 0.81), ("teacher", 0.1, 0.69), ("student", 0.0, 0.93),
              ("student", 0.1, 1.05))

    def number(id: str, **fields) -> Number:
        return Number(id=f"{REPRODUCTION}/{id}", section="later",
                      place="re-labelsmoothing, one seed", source=REPRODUCTION, **fields)

    def of(dataset: str, model: str) -> dict[str, str]:
        role = "teacher" if (dataset, model) == ("cifar10", "resnet56") else ""
        return dict(dataset=dataset, model=model, role=role)

    numbers = [number(f"{dataset}/{model}/accuracy/{_word(alpha)}", symbol="accuracy", value=value,
                      unit="%", alpha=alpha, T=1.0, **of(dataset, model))
               for dataset, model, alpha, value in accuracies]
    for dataset, model, hard, scaled, T, smoothed in calibration:
        stem, where = f"{dataset}/{model}", of(dataset, model)
        numbers += [
            number(f"{stem}/ece/hard", symbol="ECE", value=hard, alpha=0.0, T=1.0, **where),
            number(f"{stem}/ece/scaled", symbol="ECE", value=scaled, alpha=0.0, T=T, **where),
            number(f"{stem}/temperature", symbol="optimal temperature", value=T, alpha=0.0, **where),
            *(number(f"{stem}/ece/{alpha:g}", symbol="ECE", value=value, alpha=alpha, T=1.0,
                     **where) for alpha, value in smoothed)]
    return numbers + [
        number(f"mnist/{role}/{_word(alpha)}", symbol="test error", value=value, unit="%",
               dataset="mnist", model="mlp", alpha=alpha, role=role)
        for role, alpha, value in errors]


NUMBERS: tuple[Number, ...] = tuple(
    _table_1() + _table_2() + _table_3() + _mnist() + _figures() + _recipes() + _later()
)
"""Every number, in the order of the paper; later works last."""


CLAIMS: tuple[Claim, ...] = (
    Claim(id="gap-constant", title="One constant logit gap",
          section="2", place="Section 2, first paragraph", chapter="intro",
          text="Smoothing drives the gap between the right logit and the wrong ones to one "
               "constant set by α; hard targets leave it large and uneven."),
    Claim(id="tight-clusters", title="Tight clusters",
          section="2", place="Figure 1", chapter="representations",
          dataset="cifar10", model="alexnet",
          text="Hard targets give broad clusters of penultimate activations, smoothing tight "
               "ones."),
    Claim(id="regular-triangle", title="Regular triangles",
          section="2", place="Figure 1", chapter="representations",
          dataset="cifar10", model="alexnet",
          text="With smoothing the clusters stand at the corners of a regular triangle; with hard "
               "targets that is less so."),
    Claim(id="larger-scale", title="Hard targets: larger scale",
          section="2", place="Figure 1", chapter="representations",
          dataset="cifar100", model="resnet56",
          text="Projections reach larger absolute values with hard targets than with smoothing."),
    Claim(id="validation-spread", title="Validation spreads to the centre",
          section="2", place="Figure 1 and section 3", chapter="representations",
          dataset="cifar100", model="resnet56",
          text="With smoothing, clusters that are tight in training spread towards the centre in "
               "validation."),
    Claim(id="similar-arc", title="Similar classes on an arc",
          section="2", place="Figure 1, fourth row", chapter="representations",
          dataset="imagenet", model="inception-v4",
          text="Two similar classes lie on an arc with smoothing, and in round clouds with hard "
               "targets."),
    Claim(id="accuracy-similar", title="Similar accuracy",
          section="2", place="Table 2", chapter="representations",
          dataset="cifar10", model="alexnet",
          text="Accuracy is about the same with and without smoothing, although the activations "
               "cluster differently.",
          numbers=("table2/cifar10/alexnet/hard", "table2/cifar10/alexnet/smoothed",
                   "table2/imagenet/inception-v4/hard", "table2/imagenet/inception-v4/smoothed")),
    Claim(id="accuracy-better", title="Better accuracy",
          section="2", place="Table 2", chapter="representations",
          dataset="cifar100", model="resnet56",
          text="Smoothing raises the accuracy of ResNet-56 on CIFAR-100.",
          numbers=("table2/cifar100/resnet56/hard", "table2/cifar100/resnet56/smoothed")),
    Claim(id="hard-overconfident", title="Hard targets: over-confident",
          section="3", place="Figure 2", chapter="calibration",
          dataset="cifar100", model="resnet56",
          text="A network trained with hard targets is over-confident: its best temperature is "
               "above 1.",
          numbers=("table3/cifar100/resnet56/temperature",
                   "table3/imagenet/inception-v4/temperature",
                   "table3/en-de/transformer/temperature")),
    Claim(id="temperature-lowers-ece", title="Temperature lowers ECE",
          section="3", place="Table 3", chapter="calibration",
          dataset="cifar100", model="resnet56",
          text="Temperature scaling lowers the calibration error of the hard network.",
          numbers=("table3/cifar100/resnet56/hard", "table3/cifar100/resnet56/scaled")),
    Claim(id="smoothing-lowers-ece", title="Smoothing lowers ECE",
          section="3", place="Table 3", chapter="calibration",
          dataset="cifar100", model="resnet56",
          text="Smoothing lowers the calibration error without any temperature scaling.",
          numbers=("table3/cifar100/resnet56/hard", "table3/cifar100/resnet56/smoothed",
                   "table3/imagenet/inception-v4/hard", "table3/imagenet/inception-v4/smoothed")),
    Claim(id="smoothing-like-temperature", title="Smoothing as good as temperature",
          section="3", place="Table 3", chapter="calibration",
          dataset="cifar100", model="resnet56",
          text="Smoothing calibrates about as well as temperature scaling does.",
          numbers=("table3/cifar100/resnet56/scaled", "table3/cifar100/resnet56/smoothed")),
    Claim(id="translation-ece", title="Translation: better ECE",
          section="3", place="Figure 3", chapter="translation",
          dataset="en-de", model="transformer",
          text="Next-token predictions are better calibrated with smoothing than without.",
          numbers=("table3/en-de/transformer/hard", "table3/en-de/transformer/smoothed")),
    Claim(id="translation-bleu", title="Translation: better BLEU",
          section="3", place="Figure 4 and Table 1", chapter="translation",
          dataset="en-de", model="transformer", text="Smoothing raises BLEU.",
          numbers=("table1/en-de/transformer/BLEU/hard", "table1/en-de/transformer/BLEU/smoothed")),
    Claim(id="translation-nll", title="Translation: worse NLL",
          section="3", place="Figure 4 and Table 1", chapter="translation",
          dataset="en-de", model="transformer",
          text="Smoothing makes the negative log-likelihood worse.",
          numbers=("table1/en-de/transformer/perplexity/hard",
                   "table1/en-de/transformer/perplexity/smoothed")),
    Claim(id="nll-every-temperature", title="Worse NLL at every T",
          section="3", place="Figure 4", chapter="translation",
          dataset="en-de", model="transformer",
          text="The hard network has the lower negative log-likelihood at every temperature."),
    Claim(id="temperature-not-enough", title="Temperature is not enough for BLEU",
          section="3", place="Figure 4", chapter="translation",
          dataset="en-de", model="transformer",
          text="A higher temperature raises the hard network's BLEU a little, but not to the "
               "smoothed network's."),
    Claim(id="smoothed-best-near-one", title="Smoothed BLEU best near T = 1",
          section="3", place="Figure 4", chapter="translation",
          dataset="en-de", model="transformer",
          text="The smoothed network needs no temperature: its BLEU is best near T = 1."),
    Claim(id="ece-predicts-bleu", title="ECE predicts BLEU",
          section="3", place="Figure 4", chapter="translation",
          dataset="en-de", model="transformer",
          text="The temperature of least ECE gives a better BLEU than that of least NLL."),
    Claim(id="mnist-teacher", title="MNIST: better teacher",
          section="4", place="Section 4, first paragraph", chapter="distillation",
          dataset="mnist", model="mlp",
          text="On MNIST the smoothed teacher is a little better than the hard one with dropout.",
          numbers=("mnist/teacher/hard", "mnist/teacher/smoothed")),
    Claim(id="mnist-student", title="MNIST: worse student",
          section="4", place="Section 4, first paragraph", chapter="distillation",
          dataset="mnist", model="mlp",
          text="On MNIST the student of the smoothed teacher is much worse than the student of the "
               "hard one.",
          numbers=("mnist/student/hard", "mnist/student/smoothed")),
    Claim(id="teacher-improves", title="Teacher improves with α",
          section="4", place="Figure 5", chapter="distillation",
          dataset="cifar10", model="resnet56",
          text="The teacher's accuracy rises with α up to about 0.6.",
          numbers=("figure5/best-alpha",)),
    Claim(id="student-alone-hurt", title="Student alone is hurt",
          section="4", place="Figure 5", chapter="distillation",
          dataset="cifar10", model="alexnet",
          text="Smoothing slightly lowers the accuracy of a student trained alone."),
    Claim(id="hard-teacher-helps", title="Hard teacher helps",
          section="4", place="Figure 5", chapter="distillation",
          dataset="cifar10", model="alexnet",
          text="Students of the hard teacher beat the student trained alone with smoothing, at "
               "every temperature."),
    Claim(id="smoothed-teacher-no-help", title="Smoothed teacher does not help",
          section="4", place="Figure 5", chapter="distillation",
          dataset="cifar10", model="alexnet",
          text="Students of smoothed teachers are no better than students trained alone with the "
               "same smoothing."),
    Claim(id="better-teacher-worse-student", title="Better teacher, worse student",
          section="4", place="Section 4, after Figure 5", chapter="distillation",
          dataset="cifar10", model="alexnet",
          text="A more accurate teacher is not always the one that distils better."),
    Claim(id="mi-starts-low", title="Information starts low",
          section="4", place="Figure 6", chapter="mutual-information",
          dataset="cifar10", model="resnet56",
          text="After initialisation the mutual information between example and logit difference "
               "is very small."),
    Claim(id="mi-rises-then-falls", title="Information rises, then falls",
          section="4", place="Figure 6", chapter="mutual-information",
          dataset="cifar10", model="resnet56",
          text="With smoothing the mutual information first rises fast, then falls."),
    Claim(id="mi-falls-more-smoothed", title="Smoothing keeps less information",
          section="4", place="Figure 6", chapter="mutual-information",
          dataset="cifar10", model="resnet56",
          text="At the end of training smoothing leaves less mutual information than hard "
               "targets do."),
    Claim(id="mi-ends-above-log2", title="Information ends near log 2",
          section="4", place="Figure 6", chapter="mutual-information",
          dataset="cifar10", model="resnet56",
          text="The smoothed teacher's mutual information ends slightly above log 2.",
          numbers=("figure6/collapsed",)),
    Claim(id="translation-projection", title="Translation: tight clusters",
          section="A", place="Figure 7", chapter="translation",
          dataset="en-de", model="transformer",
          text="Next-token activations form tighter clusters with smoothing, as image classes do."),
    Claim(id="low-temperature-for-smoothed", title="Smoothed teacher: keep T low",
          section="later", place="systematic diffusion", chapter="distillation",
          dataset="imagenet", model="resnet18",
          text="A smoothed teacher helps a little at T = 1 and hurts at higher temperatures.",
          numbers=tuple(f"chandrasegaran2022/T{T}/{word}"
                        for T in (1, 2, 3) for word in ("hard", "smoothed")),
          source="chandrasegaran2022"),
    Claim(id="distillation-compatible", title="Smoothed teacher: no harm at T = 1",
          section="later", place="abstract", chapter="distillation",
          dataset="imagenet", model="resnet18",
          text="Smoothing and distillation go together: at T = 1 the student of a smoothed teacher "
               "need be no worse.",
          source="shen2021"),
    Claim(id="smoothing-denoises", title="Smoothed teachers help under noise",
          section="later", place="abstract", chapter="distillation",
          text="Under label noise, students of smoothed teachers do better.", source="lukasik2020"),
    Claim(id="drop-smoothing-late", title="Drop smoothing late",
          section="later", place="abstract", chapter="intro",
          text="Dropping smoothing late in training does better than keeping it to the end.",
          source="xu2020"),
    Claim(id="transfer-hurt", title="Separation hurts transfer",
          section="later", place="abstract", chapter="representations",
          text="Better separated classes transfer worse to other tasks.", source="kornblith2021"),
    Claim(id="negative-alpha", title="Negative α under heavy noise",
          section="later", place="abstract", chapter="intro",
          text="Under heavy label noise a negative α can do better than any positive one.",
          source="wei2022"),
    Claim(id="selective-classification", title="Selective classification suffers",
          section="later", place="abstract", chapter="calibration",
          text="Smoothing worsens the ranking of right above wrong predictions by confidence; "
               "logit normalisation repairs it.",
          source="xia2025"),
)
"""Every claim, in the order of the paper; later works last."""


def number(id: str) -> Number:
    """The number called ``id``.

    Raises
    ------
    KeyError
        If there is none; ``NUMBERS`` lists them.
    """
    return _find(NUMBERS, id, "number")


def claim(id: str) -> Claim:
    """The claim called ``id``.

    Raises
    ------
    KeyError
        If there is none; ``CLAIMS`` lists them.
    """
    return _find(CLAIMS, id, "claim")


def numbers(**fields) -> list[Number]:
    """The numbers whose fields equal those given, such as ``place="Table 3", alpha=0.0``."""
    return [n for n in NUMBERS if all(getattr(n, key) == value for key, value in fields.items())]


def _find(items, id: str, kind: str):
    for item in items:
        if item.id == id:
            return item
    raise KeyError(f"There is no {kind} called {id!r}; lsbook.paper.{kind.upper()}S lists them.")
