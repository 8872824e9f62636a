"use strict";
// Messages of a browser need a script: nothing else can ask for them. Mail and the other ways work without.
(() => {
  const button = document.querySelector("[data-push]"), problem = document.getElementById("push-problem");
  if (!button || !("serviceWorker" in navigator) || !window.PushManager) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    problem.hidden = true;
    try {
      if (await Notification.requestPermission() !== "granted") throw new Error();
      await navigator.serviceWorker.register("/worker.js");
      const worker = await navigator.serviceWorker.ready;
      const ask = () => worker.pushManager.subscribe({userVisibleOnly: true, applicationServerKey: button.dataset.push});
      const given = await ask().catch(async (e) => {
        const old = await worker.pushManager.getSubscription(); // of another key
        if (!old) throw e;
        await old.unsubscribe();
        return ask();
      });
      const done = await fetch("/channels/push", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(given)});
      if (!done.ok) throw new Error();
      location.assign("/channels?done=channel");
    } catch {
      problem.hidden = false;
      problem.focus();
    }
  });
})();
