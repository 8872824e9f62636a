"use strict";
// Shows the messages that the console sends to this browser, and opens the page that one is about. It keeps nothing.
const here = (place) => {
  try {
    const url = new URL(place, location.origin);
    return url.origin === location.origin ? url.pathname.replace(/^\/+/, "/") + url.search : "/";
  } catch {
    return "/";
  }
};

addEventListener("install", () => skipWaiting());
addEventListener("activate", (e) => e.waitUntil(clients.claim()));

addEventListener("push", (e) => {
  let n = {};
  try {
    n = e.data.json().notification || {};
  } catch {}
  const actions = n.actions || [], tag = n.tag || "hearth";
  e.waitUntil(registration.showNotification(n.title || "Hearth", {
    body: n.body || "", tag, renotify: true, icon: "/icon-180.png",
    actions: actions.map((a) => ({action: a.action, title: a.title})),
    data: {to: here(n.navigate), by: Object.fromEntries(actions.map((a) => [a.action, here(a.navigate)]))},
  }));
});

addEventListener("notificationclick", (e) => {
  const {to, by} = e.notification.data, place = by[e.action] || to;
  e.notification.close();
  // A window that shows something else stays as it is: somebody may be writing there.
  e.waitUntil(clients.matchAll({type: "window", includeUncontrolled: true}).then((all) => {
    const there = all.find((w) => here(w.url) === place);
    return there ? there.focus() : clients.openWindow(place);
  }));
});

addEventListener("pushsubscriptionchange", (e) => e.waitUntil((async () => {
  const given = e.newSubscription || e.oldSubscription && await registration.pushManager.subscribe(e.oldSubscription.options);
  if (given) await fetch("/channels/push", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(given)});
})()));
