// Loads the evaluations of runs: as scripts, since a page opened from a file may not fetch.
const lsEvaluations = (() => {
  const home = document.currentScript?.src;
  const asked = new Map();

  async function unzipped(data) {
    const letters = atob(data);
    const packed = new Uint8Array(letters.length);
    for (let i = 0; i < packed.length; i++) packed[i] = letters.charCodeAt(i);
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /** Two planes of bytes, low and high, as unsigned 16-bit numbers. */
  function joined(planes) {
    const words = new Uint16Array(planes.length / 2);
    for (let i = 0; i < words.length; i++) words[i] = planes[i] | (planes[words.length + i] << 8);
    return words;
  }

  function fromHalf(bits) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    return bits & 0x8000 ? -size : size;
  }

  let halves;

  /** Numbers in half precision from their bits, looked up: a slider waits for it. */
  function halved(words) {
    halves ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => fromHalf(bits));
    const numbers = new Float32Array(words.length);
    for (let i = 0; i < words.length; i++) numbers[i] = halves[words[i]];
    return numbers;
  }

  async function decoded({ type, scale, data }) {
    const bytes = await unzipped(data);
    if (type === "uint8") return bytes;
    const words = joined(bytes);
    if (type === "float16") return halved(words);
    const signed = new Int16Array(words.buffer);
    return scale === 1 ? signed : Float32Array.from(signed, (level) => level * scale);
  }

  function expect(key) {
    const made = {};
    made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
    asked.set(key, made);
    return made;
  }

  /** The arrays of an evaluation by name, with `shapes`; each is loaded and decoded once. */
  function load(key) {
    if (!asked.has(key)) {
      const made = expect(key);
      const script = Object.assign(document.createElement("script"), {
        src: new URL(`../site/evaluations/${key}.js`, home),
        onerror: () => {
          asked.delete(key);
          made.reject(new Error(`the evaluation ${key} could not be loaded`));
        },
      });
      document.head.append(script);
    }
    return asked.get(key).promise;
  }

  /** Called by an evaluation's script, which may also stand in the page without being asked for. */
  async function arrived(key, packed) {
    const { resolve, reject } = asked.get(key) ?? expect(key);
    try {
      const names = Object.keys(packed);
      const values = await Promise.all(names.map((name) => decoded(packed[name])));
      const arrays = Object.fromEntries(names.map((name, i) => [name, values[i]]));
      arrays.shapes = Object.fromEntries(names.map((name) => [name, packed[name].shape]));
      resolve(arrays);
    } catch (error) {
      reject(error);
    }
  }

  return { load, arrived };
})();
