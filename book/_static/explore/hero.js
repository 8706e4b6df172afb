// The book's first figure: one α moves three classes on their plane and the reliability diagram.
(() => {
  const { picture, svg, linear, extent, axes, text, line, mark, marks, plain, smooth } = lsPlot;
  const { nearest } = lsExplore;
  const SHAPES = ["circle", "square", "triangle"];
  const [GAP, WIDEST, TOP, NARROW] = [26, 320, 26, 220];

  const of = ({ networks }, { alpha }) => networks.find((each) => each.alpha === alpha) ?? networks[0];

  function state(config, current) {
    const values = config.networks.map(({ alpha }) => alpha);
    const { epochs } = of(config, { alpha: current.alpha ?? nearest(values, config.alpha) });
    return [
      {
        name: "alpha", label: "smoothing α", kind: "range", values, format: plain,
        initial: nearest(values, config.alpha),
      },
      {
        name: "epoch", label: "epoch", kind: "range", values: epochs, initial: epochs.at(-1),
        format: (epoch) => `${epoch} of ${epochs.at(-1)}`,
      },
    ];
  }

  /** One scale for every α and epoch, so that clusters are seen to shrink. */
  function scaleOf({ networks }, axis) {
    return extent(networks.flatMap(({ planes }) =>
      planes.at(-1).flatMap((group) => group.map((point) => point[axis])),
    ), 0.04);
  }

  function plane(config, groups, side, colour) {
    const [xs, ys] = [0, 1].map((axis) => scaleOf(config, axis));
    const half = Math.max(xs[1] - xs[0], ys[1] - ys[0]) / 2;
    const around = ([low, high]) => [(low + high) / 2 - half, (low + high) / 2 + half];
    const x = linear(around(xs), [0, side]);
    const y = linear(around(ys), [TOP + side, TOP]);
    const at = ([a, b]) => [x(a), y(b)];
    const corners = groups.at(-1).map(at);
    const clouds = groups.slice(0, 3).map((group, k) => {
      const cloud = marks(group.map(at), { shape: SHAPES[k], radius: 3, kind: "cloud" });
      cloud.style.setProperty("--idea", colour);
      return cloud;
    });
    const names = groups.slice(0, 3).map((group, k) => {
      const [a, b] = [0, 1].map((axis) => group.reduce((sum, p) => sum + p[axis], 0) / group.length);
      return text(x(a), y(b) - 12, config.names[k], { anchor: "middle", kind: "name" });
    });
    return [
      svg("rect", { class: "grid", x: 0.5, y: TOP, width: side - 1, height: side }),
      line([...corners, corners[0]], "reference thin"), ...clouds, ...(side < NARROW ? [] : names),
      text(0, 14, side < NARROW ? "on their plane" : "three classes on their plane", {
        kind: "strong",
      }),
    ];
  }

  function reliability({ bins }, left, side, colour) {
    const x = linear([0, 1], [left + 34, left + side]);
    const y = linear([0, 1], [TOP + side - 36, TOP]);
    const most = Math.max(...bins.map(([, , n]) => n));
    const points = bins.map(([sure, right]) => [x(sure), y(right)]);
    const dots = bins.map(([sure, right, n]) =>
      mark(x(sure), y(right), { radius: 2 + 5 * Math.sqrt(n / most), kind: "own" }));
    const drawn = [line(points, "own thin"), ...dots];
    for (const each of drawn) each.style.setProperty("--idea", colour);
    const ticks = [0, 0.5, 1];
    return [
      axes({ x, y, xTicks: ticks, yTicks: ticks, xTitle: "confidence" }),
      line([[x(0), y(0)], [x(1), y(1)]], "reference"), ...drawn,
      text(left + 34, 14, side < NARROW ? "right how often" : "how often it is right", {
        kind: "strong",
      }),
    ];
  }

  function draw(stage, _, current, config) {
    const network = of(config, current);
    const groups = network.planes[network.epochs.indexOf(current.epoch)];
    const side = Math.min(WIDEST, (stage.clientWidth - GAP) / 2);
    const colour = smooth(network.alpha);
    stage.replaceChildren(picture(
      2 * side + GAP, TOP + side + 4,
      ...plane(config, groups, side, colour), ...reliability(network, side + GAP, side, colour),
    ));
    const percent = (share) => `${(100 * share).toFixed(1)} %`;
    const { ece, accuracy, student, alpha } = network;
    const kind = alpha ? "smooth" : "hard";
    const numbers = [
      { label: "calibration error (ECE)", value: ece.toFixed(3), kind },
      { label: "its accuracy", value: percent(accuracy), kind },
      ...(student
        ? [{ label: `its student, T = ${plain(student.T)}`, value: percent(student.accuracy),
             kind: "distil" }]
        : []),
    ];
    const told = numbers.map(({ label, value }) => `${label} ${value}`).join(", ");
    return {
      numbers,
      alt: `${alpha ? `Smoothing with α = ${plain(alpha)}` : "Hard targets"}: ${told}.`,
      rows: () => config.networks.map((each) => ({
        alpha: each.alpha, ece: each.ece, accuracy: each.accuracy, T: each.student?.T,
        student: each.student?.accuracy,
      })),
    };
  }

  lsExplore.register("hero", { state, load: async (config) => config, draw, plays: "epoch" });
})();
