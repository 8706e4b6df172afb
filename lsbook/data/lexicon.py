"""Words of the English-to-German grammar: what each English word can become, and how often.

Notation: ``der Junge/Jungen`` gives a noun's gender and, for weak nouns, its form in the accusative
and dative; ``ruft|an`` is a separable verb. Tags say which words go together; the shares of the
translations of one word sum to one.
"""

from __future__ import annotations

ARTICLES = {  # (gender, case) -> (definite, indefinite)
    ("m", "nom"): ("der", "ein"),
    ("m", "acc"): ("den", "einen"),
    ("m", "dat"): ("dem", "einem"),
    ("f", "nom"): ("die", "eine"),
    ("f", "acc"): ("die", "eine"),
    ("f", "dat"): ("der", "einer"),
    ("n", "nom"): ("das", "ein"),
    ("n", "acc"): ("das", "ein"),
    ("n", "dat"): ("dem", "einem"),
}

ENDINGS = {  # of the adjective: (gender, case) -> (after definite, after indefinite article)
    ("m", "nom"): ("e", "er"),
    ("m", "acc"): ("en", "en"),
    ("m", "dat"): ("en", "en"),
    ("f", "nom"): ("e", "e"),
    ("f", "acc"): ("e", "e"),
    ("f", "dat"): ("en", "en"),
    ("n", "nom"): ("e", "es"),
    ("n", "acc"): ("e", "es"),
    ("n", "dat"): ("en", "en"),
}

NOUNS = {  # English -> (tags, translations)
    "man": ("person", {"der Mann": 1.0}),
    "woman": ("person", {"die Frau": 1.0}),
    "child": ("person", {"das Kind": 1.0}),
    "girl": ("person", {"das Mädchen": 1.0}),
    "boy": ("person", {"der Junge/Jungen": 0.7, "der Bub/Buben": 0.3}),
    "doctor": ("person", {"der Arzt": 0.6, "die Ärztin": 0.4}),
    "teacher": ("person", {"der Lehrer": 0.5, "die Lehrerin": 0.5}),
    "neighbour": ("person", {"der Nachbar/Nachbarn": 0.6, "die Nachbarin": 0.4}),
    "friend": ("person", {"der Freund": 0.7, "die Freundin": 0.3}),
    "butcher": ("person", {"der Metzger": 0.5, "der Fleischer": 0.3, "der Schlachter": 0.2}),
    "carpenter": ("person", {"der Tischler": 0.6, "der Schreiner": 0.4}),
    "grandmother": ("person", {"die Großmutter": 0.5, "die Oma": 0.5}),
    "dog": ("animal", {"der Hund": 1.0}),
    "cat": ("animal", {"die Katze": 0.8, "der Kater": 0.2}),
    "horse": ("animal", {"das Pferd": 0.8, "der Gaul": 0.2}),
    "rabbit": ("animal", {"das Kaninchen": 0.6, "der Hase/Hasen": 0.4}),
    "soup": ("food", {"die Suppe": 1.0}),
    "potato": ("food", {"die Kartoffel": 0.7, "der Erdapfel": 0.3}),
    "bread": ("food", {"das Brot": 1.0}),
    "roll": ("food", {"das Brötchen": 0.5, "die Semmel": 0.3, "die Schrippe": 0.2}),
    "cake": ("food", {"der Kuchen": 0.7, "die Torte": 0.3}),
    "orange": ("food", {"die Orange": 0.6, "die Apfelsine": 0.4}),
    "book": ("thing text", {"das Buch": 1.0}),
    "newspaper": ("thing text", {"die Zeitung": 1.0}),
    "letter": ("thing text", {"der Brief": 0.8, "das Schreiben": 0.2}),
    "car": ("thing", {"das Auto": 0.7, "der Wagen": 0.3}),
    "bicycle": ("thing", {"das Fahrrad": 0.6, "das Rad": 0.4}),
    "picture": ("thing", {"das Bild": 0.7, "das Gemälde": 0.3}),
    "chair": ("thing", {"der Stuhl": 0.8, "der Sessel": 0.2}),
    "sofa": ("thing", {"das Sofa": 0.6, "die Couch": 0.4}),
    "table": ("thing", {"der Tisch": 1.0}),
    "bag": ("thing openable", {"die Tasche": 0.7, "der Beutel": 0.3}),
    "box": ("thing openable", {"die Kiste": 0.5, "die Schachtel": 0.3, "der Karton": 0.2}),
    "cupboard": ("thing openable", {"der Schrank": 0.7, "der Kasten": 0.3}),
    "door": ("openable", {"die Tür": 1.0}),
    "window": ("openable", {"das Fenster": 1.0}),
    "lamp": ("thing device", {"die Lampe": 0.7, "die Leuchte": 0.3}),
    "computer": ("thing device", {"der Computer": 0.6, "der Rechner": 0.4}),
    "phone": ("thing device", {"das Handy": 0.5, "das Telefon": 0.3, "das Mobiltelefon": 0.2}),
}

ADJECTIVES = {  # English -> (tags of the nouns it goes with, stems)
    "old": ("person animal thing openable", {"alt": 1.0}),
    "young": ("person animal", {"jung": 1.0}),
    "small": ("person animal food thing openable", {"klein": 1.0}),
    "big": ("animal food thing openable", {"groß": 1.0}),
    "new": ("thing openable", {"neu": 1.0}),
    "beautiful": ("animal thing", {"schön": 0.7, "hübsch": 0.3}),
    "clever": ("person animal", {"klug": 0.6, "schlau": 0.4}),
    "friendly": ("person", {"freundlich": 0.6, "nett": 0.4}),
    "strange": ("person thing", {"seltsam": 0.5, "merkwürdig": 0.3, "komisch": 0.2}),
    "cheap": ("food thing", {"billig": 0.6, "günstig": 0.4}),
}

VERBS = {  # English -> (tags of the subject, (case, tags) of each object, translations)
    "sleeps": ("person animal", (), {"schläft": 1.0}),
    "waits": ("person animal", (), {"wartet": 1.0}),
    "works": ("person", (), {"arbeitet": 1.0}),
    "laughs": ("person", (), {"lacht": 1.0}),
    "cries": ("person", (), {"weint": 0.7, "heult": 0.3}),
    "wakes up": ("person animal", (), {"wacht|auf": 0.6, "erwacht": 0.4}),
    "falls asleep": ("person animal", (), {"schläft|ein": 1.0}),
    "arrives": ("person", (), {"kommt|an": 0.7, "trifft|ein": 0.3}),
    "goes away": ("person animal", (), {"geht|weg": 0.6, "geht|fort": 0.4}),
    "sees": ("person", (("acc", "person animal food thing"),), {"sieht": 0.8, "erblickt": 0.2}),
    "looks for": ("person", (("acc", "person animal food thing"),), {"sucht": 1.0}),
    "watches": (
        "person",
        (("acc", "person animal"),),
        {"sieht|an": 0.5, "schaut|an": 0.3, "betrachtet": 0.2},
    ),
    "buys": ("person", (("acc", "food thing"),), {"kauft": 0.7, "erwirbt": 0.3}),
    "sells": ("person", (("acc", "food thing"),), {"verkauft": 1.0}),
    "brings along": ("person", (("acc", "food thing"),), {"bringt|mit": 1.0}),
    "eats": ("person", (("acc", "food"),), {"isst": 0.8, "verspeist": 0.2}),
    "reads": ("person", (("acc", "text"),), {"liest": 0.8, "studiert": 0.2}),
    "opens": ("person", (("acc", "openable"),), {"öffnet": 0.6, "macht|auf": 0.4}),
    "closes": ("person", (("acc", "openable"),), {"schließt": 0.5, "macht|zu": 0.5}),
    "switches on": (
        "person",
        (("acc", "device"),),
        {"schaltet|ein": 0.5, "macht|an": 0.3, "schaltet|an": 0.2},
    ),
    "cleans": (
        "person",
        (("acc", "thing openable"),),
        {"putzt": 0.5, "reinigt": 0.3, "säubert": 0.2},
    ),
    "invites": ("person", (("acc", "person"),), {"lädt|ein": 1.0}),
    "calls": ("person", (("acc", "person"),), {"ruft|an": 1.0}),
    "picks up": ("person", (("acc", "person"),), {"holt|ab": 1.0}),
    "helps": ("person", (("dat", "person animal"),), {"hilft": 1.0}),
    "thanks": ("person", (("dat", "person"),), {"dankt": 1.0}),
    "listens to": ("person", (("dat", "person"),), {"hört|zu": 0.7, "lauscht": 0.3}),
    "follows": ("person animal", (("dat", "person animal"),), {"folgt": 0.7, "läuft|nach": 0.3}),
    "gives": (
        "person",
        (("dat", "person"), ("acc", "food thing")),
        {"gibt": 0.7, "schenkt": 0.3},
    ),
    "shows": ("person", (("dat", "person"), ("acc", "animal thing")), {"zeigt": 1.0}),
}

CLAUSE_VERBS = {  # followed by "that" and a clause
    "knows": {"weiß": 1.0},
    "believes": {"glaubt": 0.6, "meint": 0.4},
    "says": {"sagt": 1.0},
}

ADVERBS = {
    "today": {"heute": 1.0},
    "tomorrow": {"morgen": 1.0},
    "now": {"jetzt": 0.7, "nun": 0.3},
    "often": {"oft": 0.7, "häufig": 0.3},
    "sometimes": {"manchmal": 0.8, "gelegentlich": 0.2},
    "again": {"wieder": 0.7, "erneut": 0.3},
    "at the moment": {"gerade": 0.5, "momentan": 0.3, "derzeit": 0.2},
    "on Saturday": {"am Samstag": 0.6, "am Sonnabend": 0.4},
    "every day": {"täglich": 0.5, "jeden Tag": 0.5},
}

CONJUNCTIONS = {
    "because": {"weil": 0.6, "denn": 0.25, "da": 0.15},
    "although": {"obwohl": 0.8, "obgleich": 0.2},
    "if": {"wenn": 0.7, "falls": 0.3},
    "while": {"während": 1.0},
    "that": {"dass": 1.0},
}

VERB_SECOND = {"denn"}  # conjunctions that leave the verb second, and whose clause comes last
FRONTED = 0.3  # share of main clauses with an adverb that begin with it
