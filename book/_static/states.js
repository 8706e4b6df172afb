// The state of a figure and its link. A figure says in a table what it can be asked for; what a
// link brings is held against it, and anything else starts where the figure starts.
//
//   [{ name, kind: "range" | "choice" | "switch", initial,
//      min, max, step | values, options?: [{ value }] }]
//
// An entry with `more` is one of few needs and stands behind a fold.
// A range has min, max and step, or the list of its values. A whole step counts; another says only
// how far a key moves, and any number between the ends will do.
const lsStates = (() => {
  /** A value as JSON; a word that is no JSON stands for itself. */
  function read(written) {
    try {
      return JSON.parse(written);
    } catch {
      return written;
    }
  }

  const write = (value) => (read(value) === value ? String(value) : JSON.stringify(value));

  const initially = (table) =>
    Object.fromEntries(table.map(({ name, initial }) => [name, initial]));

  function linkTo(id, state, initial) {
    const query = Object.entries(state)
      .filter(([name, value]) => value !== initial[name])
      .map(([name, value]) => `${name}=${encodeURIComponent(write(value)).replaceAll("%2F", "/")}`)
      .join("&");
    return `#${id}${query && "?" + query}`;
  }

  /** The figure that a hash names, and the values it asks for, whatever they are. */
  function linked(hash) {
    const [id, query = ""] = hash.slice(1).split("?");
    const given = [...new URLSearchParams(query)].map(([name, value]) => [name, read(value)]);
    return { id, values: Object.fromEntries(given) };
  }

  function onStep({ min, max, step }, value) {
    const whole = !Number.isInteger(step) || Number.isInteger((value - min) / step);
    return typeof value === "number" && value >= min && value <= max && whole;
  }

  function allows(entry, value) {
    if (entry.values) return entry.values.includes(value);
    if (entry.kind === "range") return onStep(entry, value);
    if (entry.kind === "switch") return typeof value === "boolean";
    return entry.options.some((option) => option.value === value);
  }

  /**
   * The state that `given` asks for, within the table, and the table. `tableOf` makes it from a
   * state, of which it sees values that it has allowed and no others; entries may depend on one
   * another, but not in a circle.
   */
  function settled(tableOf, given) {
    let state = {};
    for (;;) {
      const table = tableOf(state);
      const value = (entry) => {
        const asked = Object.hasOwn(given, entry.name) ? given[entry.name] : undefined;
        return allows(entry, asked) ? asked : entry.initial;
      };
      const next = Object.fromEntries(table.map((entry) => [entry.name, value(entry)]));
      if (JSON.stringify(next) === JSON.stringify(state)) return { table, state };
      state = next;
    }
  }

  return { linkTo, linked, initially, settled };
})();

if (typeof module !== "undefined") module.exports = lsStates;
