// Browsers offer passkeys to scripts only: this asks the device and sends its answer with the
// form. It calls nobody. Without it, password and one-time code do as well.
'use strict';
(() => {
  const form = document.getElementById('passkey');
  const say = (id) => { document.getElementById(id).hidden = false; };
  if (!window.PublicKeyCredential) { say('passkey-none'); return; }
  // Binary is base64url in JSON.
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  const ids = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
  const options = JSON.parse(form.dataset.options).publicKey;
  options.challenge = bytes(options.challenge);
  options.excludeCredentials = ids(options.excludeCredentials);
  options.allowCredentials = ids(options.allowCredentials);
  if (options.user) options.user.id = bytes(options.user.id);

  const answer = (made) => {
    const parts = {};
    for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
      if (made.response[name]) parts[name] = text(made.response[name]);
    }
    if (made.response.getTransports) parts.transports = made.response.getTransports();
    return JSON.stringify({
      id: made.id, rawId: text(made.rawId), type: made.type, response: parts, clientExtensionResults: made.getClientExtensionResults(),
      authenticatorAttachment: made.authenticatorAttachment || undefined,
    });
  };
  const ask = async () => {
    document.getElementById('passkey-failed').hidden = true;
    try {
      const made = await (options.user ? navigator.credentials.create({ publicKey: options }) : navigator.credentials.get({ publicKey: options }));
      form.elements.answer.value = answer(made);
      form.submit();
    } catch { say('passkey-failed'); }
  };
  const button = document.getElementById('passkey-ask');
  button.hidden = false;
  button.addEventListener('click', ask);
  if (!options.user) ask(); // to sign in, the button of the page before was enough
})();
