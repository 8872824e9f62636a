"use strict";
// Passkeys need a script: nothing else can ask the browser for one. Without it the passphrase works.
(() => {
  const button = document.querySelector("[data-passkey]");
  if (!button || !window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const problem = document.getElementById("passkey-problem");
    const send = (path, body) => fetch(path, {method: "POST", headers: {"Content-Type": "application/json"}, body});
    problem.hidden = true;
    try {
      const add = button.dataset.passkey === "add", base = add ? "/account" : "/signin";
      const begun = await send(base + "/begin", "{}");
      if (!begun.ok) throw new Error();
      const options = (await begun.json()).publicKey;
      const key = add
        ? await navigator.credentials.create({publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options)})
        : await navigator.credentials.get({publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options)});
      const own = document.querySelector("[name=own]");
      const done = await send(base + "/passkey" + (own && own.checked ? "?own=yes" : ""), JSON.stringify(key));
      if (!done.ok) throw new Error();
      location.assign(add ? "/account?done=passkey" : done.headers.get("Location") || "/");
    } catch {
      problem.hidden = false;
      problem.focus();
    }
  });
})();
