// The proof of work of a form: this browser works for a second, so that a program that
// wants a thousand accounts has to work for a thousand. Nothing is sent but the form itself.
//
// The challenge is "1.BITS.…". A solution is 16 numbers n, one for each i from 0 to 15, so
// that SHA-256(CHALLENGE + "." + i + "." + n) begins with BITS zero bits. It is written into
// the field captcha_solution, as numbers joined by commas.
(async () => {
  const form = document.querySelector("form[data-captcha]");
  if (!form) return;
  const challenge = form.dataset.captcha;
  const bits = Number(challenge.split(".")[1]);
  const field = form.elements.captcha_solution;
  const bar = form.querySelector("progress");

  // Browsers have SHA-256 on https (and on localhost) only.
  if (!window.crypto || !crypto.subtle) {
    form.querySelector("[data-captcha-missing]").hidden = false;
    return;
  }

  // Who sends the form early waits here; it goes by itself then.
  let sender, sent = false;
  form.addEventListener("submit", (event) => {
    if (field.value) return;
    event.preventDefault();
    sent = true;
    sender = event.submitter;
    form.setAttribute("aria-busy", "true");
  });

  const text = new TextEncoder();
  const zeros = (sum) => {
    const view = new DataView(sum);
    return Math.clz32(view.getUint32(0)); // BITS is at most 31
  };
  const solve = async (i) => {
    for (let n = 0; ; n += 256) {
      const sums = await Promise.all(Array.from({ length: 256 }, (_, k) =>
        crypto.subtle.digest("SHA-256", text.encode(`${challenge}.${i}.${n + k}`))));
      const k = sums.findIndex((sum) => zeros(sum) >= bits);
      if (k >= 0) return n + k;
    }
  };
  const found = [];
  for (let i = 0; i < 16; i++) {
    found.push(await solve(i));
    if (bar) bar.value = (i + 1) / 16;
  }
  field.value = found.join(",");
  form.removeAttribute("aria-busy");
  if (sent) form.requestSubmit(sender);
})();
