// The proof of work of a form: this browser works for a second, so that a program that
// wants a thousand accounts has to work for a thousand. Nothing is sent but the form itself.
//
// The challenge is "1.BITS.…", ASCII. A solution is 16 numbers n, one for each i from 0 to
// 15, so that SHA-256(CHALLENGE + "." + i + "." + n) begins with BITS zero bits. It goes into
// the field captcha_solution, as numbers joined by commas.
//
// The SHA-256 here is FIPS 180-4. The browsers' own answers one hash at a time, by a
// promise: that is eight times as slow, and only people would pay for it.
(async () => {
  const form = document.querySelector("form[data-captcha]");
  if (!form) return;
  const challenge = form.dataset.captcha;
  const bits = Number(challenge.split(".")[1]); // at most 31
  const field = form.elements.captcha_solution;
  const bar = form.querySelector("progress");

  // Who sends the form early waits here; it goes by itself then.
  let sender, sent = false;
  form.addEventListener("submit", (event) => {
    if (field.value) return;
    event.preventDefault();
    [sent, sender] = [true, event.submitter];
    form.setAttribute("aria-busy", "true");
  });

  // The constants: roots of the first primes, behind the point.
  const K = new Int32Array(64), START = [];
  const behind = (x) => ((x - Math.floor(x)) * 2 ** 32) | 0;
  for (let n = 2, k = 0; k < 64; n++) {
    let d = 2;
    while (n % d) d++;
    if (d < n) continue;
    if (START.length < 8) START.push(behind(Math.sqrt(n)));
    K[k++] = behind(Math.cbrt(n));
  }
  const W = new Int32Array(64);
  // compress takes the 64 bytes of W[0..15] into a state.
  const compress = (state) => {
    let a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
    for (let t = 0; t < 64; t++) {
      if (t > 15) {
        const x = W[t - 15], y = W[t - 2];
        W[t] = W[t - 16] + W[t - 7] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) +
          ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10);
      }
      const one = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + K[t] + W[t] | 0;
      const two = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c) | 0;
      h = g; g = f; f = e; e = d + one | 0; d = c; c = b; b = a; a = one + two | 0;
    }
    const sum = [a, b, c, d, e, f, g, h];
    for (let i = 0; i < 8; i++) state[i] += sum[i];
  };
  // load puts 64 bytes of text into W, behind its end the mark and the length.
  const load = (text, from) => {
    W.fill(0, 0, 16);
    for (let i = from; i < from + 64 && i <= text.length; i++) {
      W[i - from >> 2] |= (i < text.length ? text.charCodeAt(i) : 128) << 24 - (i & 3) * 8;
    }
    if (from + 64 >= text.length + 9) W[15] = text.length * 8;
  };
  const state = new Int32Array(8), begun = new Int32Array(8);

  const found = [];
  let rest = performance.now();
  for (let i = 0; i < 16; i++) {
    const head = `${challenge}.${i}.`;
    // What is the same for every n is hashed once.
    let same = 0;
    begun.set(START);
    for (; same + 64 <= head.length; same += 64) {
      load(head, same);
      compress(begun);
    }
    const zeros = (n) => {
      const text = head + n;
      state.set(begun);
      for (let from = same; from < text.length + 9; from += 64) {
        load(text, from);
        compress(state);
      }
      return Math.clz32(state[0]);
    };
    let n = 0;
    while (zeros(n) < bits) {
      // The page stays alive: it draws, and takes what is typed.
      if (++n % 64 === 0 && performance.now() - rest > 30) {
        await new Promise((go) => setTimeout(go));
        rest = performance.now();
      }
    }
    found.push(n);
    if (bar) bar.value = (i + 1) / 16;
  }
  field.value = found.join(",");
  form.removeAttribute("aria-busy");
  if (sent) form.requestSubmit(sender);
})();
