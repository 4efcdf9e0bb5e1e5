// The feed's connection: resumes by cursor, refreshes rows, shows each notification once.
"use strict";

(() => {
  const page = document.getElementById("live").dataset;
  const cursorKey = `kaifu.cursor.${page.user}`;
  const shownKey = `kaifu.shown.${page.user}`;
  const SHOWN_KEPT = 500;
  const PING_EVERY_MS = 25_000;
  const PONG_WITHIN_MS = 10_000;
  const REFRESH_BEFORE_MS = 60_000;
  const TOAST_FOR_MS = 12_000;
  const RETRY_MS = [250, 500, 1_000, 2_000, 5_000, 10_000, 30_000];
  const ids = /^[0-9a-f-]{36}$/;

  // ---- what this browser remembers

  const store = (area, key, value) => {
    try {
      area.setItem(key, value);
    } catch {
      // full or forbidden: the page goes on without memory
    }
  };
  const cursor = () => sessionStorage.getItem(cursorKey);
  const keepCursor = (value) => value && store(sessionStorage, cursorKey, value);

  // Each tab shows a toast once, also when a resumed stream repeats it; a desktop pop-up comes once
  // for all tabs. Web Locks make "first" well-defined among them.
  const claimIn = (area, id) => {
    let known = [];
    try {
      known = JSON.parse(area.getItem(shownKey)) ?? [];
    } catch {
      // unreadable: begin afresh
    }
    if (known.includes(id)) return false;
    store(area, shownKey, JSON.stringify([...known, id].slice(-SHOWN_KEPT)));
    return true;
  };
  const claimToast = (id) => claimIn(sessionStorage, id);
  const claimPopup = (id) =>
    navigator.locks
      ? navigator.locks.request(shownKey, () => claimIn(localStorage, id))
      : Promise.resolve(claimIn(localStorage, id));

  // ---- the feed's rows

  const announcer = document.getElementById("announcer");
  const rowOf = (id) => document.getElementById(`row-${id}`);
  const refreshing = new Map(); // message id → whether it changed again meanwhile
  let resyncs = 0; // what was asked for before a resync is not shown after it
  let upToDate = Promise.resolve(); // when what a resync began is done

  const fetchedAll = async (path) => {
    const answer = await fetch(path, { headers: { Accept: "text/html", "HX-Request": "true" } });
    const onward = answer.headers.get("HX-Redirect");
    if (onward) location.assign(onward);
    if (!answer.ok) return null;
    const box = document.createElement("template");
    box.innerHTML = await answer.text();
    return box.content;
  };
  const fetched = async (path) => (await fetchedAll(path))?.firstElementChild ?? null;

  const place = (fresh, old) => {
    if (old) return old.replaceWith(fresh);
    const feed = document.getElementById("feed");
    document.getElementById("empty")?.remove();
    const later = [...feed.querySelectorAll(".mail")].find((row) => row.dataset.sent < fresh.dataset.sent);
    const more = feed.querySelector(".more");
    if (!later && more) return; // belongs to a page that is not loaded yet
    feed.insertBefore(fresh, later ?? null);
  };

  // What a row says, without the detail that its reader may have opened.
  const sayings = (row) =>
    [...row.querySelectorAll(".state, .subject, .times, .to, .counts, summary")].map((part) => part.textContent).join();

  const put = (fresh) => {
    const old = document.getElementById(fresh.id);
    const focused = old?.contains(document.activeElement) ? document.activeElement.id : "";
    const wasOpen = old?.querySelector("details").open;
    place(fresh, old);
    if (!fresh.isConnected) return;
    htmx.process(fresh);
    if (wasOpen) fresh.querySelector("details").open = true;
    if (focused) document.getElementById(focused)?.focus();
    fresh.classList.add("changed");
    announcer.textContent = page.textChanged.replace("{subject}", fresh.querySelector(".subject").textContent.trim());
  };

  const showRow = async (id) => {
    const asked = resyncs;
    const fresh = await fetched(`/feed/rows/${id}`);
    if (asked !== resyncs) return;
    if (fresh) put(fresh);
    else rowOf(id)?.remove();
  };

  // The first page, or null if a resync came meanwhile. Throws if it can't be had.
  const firstRows = async () => {
    const asked = resyncs;
    const rows = await fetchedAll("/feed/rows");
    if (!rows) throw new Error("the feed could not be read");
    return asked === resyncs ? rows : null;
  };

  // What changed between the page and its socket; rows that say the same stay as their reader left them.
  const catchUp = async () => {
    for (const fresh of (await firstRows())?.querySelectorAll(".mail") ?? []) {
      const old = document.getElementById(fresh.id);
      if (!old || sayings(old) !== sayings(fresh)) put(fresh);
    }
  };

  const refreshRow = async (id) => {
    if (refreshing.has(id)) return void refreshing.set(id, true);
    do {
      refreshing.set(id, false);
      try {
        await upToDate; // else an older page would overwrite the row
        await showRow(id);
      } catch {
        // the network failed: the next event or reconnection shows the row
      }
    } while (refreshing.get(id));
    refreshing.delete(id);
  };

  const reloadFeed = async () => {
    const rows = await firstRows();
    if (!rows) return;
    const feed = document.getElementById("feed");
    feed.replaceChildren(rows);
    htmx.process(feed);
  };

  // What the feed still needs; it stays due until it was done, also over reconnections.
  let due = cursor() === null ? catchUp : null;
  const bringUpToDate = async () => {
    const asked = resyncs;
    await due?.();
    if (asked !== resyncs) return;
    due = null;
    attempts = 0;
  };

  // ---- notifications

  const toasts = document.getElementById("toasts");
  const onScreen = new Map(); // notification id → {toast, popup}

  const goTo = (messageId) => {
    const row = messageId && rowOf(messageId);
    if (!row) return;
    location.replace(`#${row.id}`); // marks it as the target, also where the address is the same already
    row.scrollIntoView({ block: "center" });
    row.querySelector("summary").focus({ preventScroll: true });
  };

  // A link may lead to a mail that is further down than what is loaded: then it stands on top, until its
  // page is loaded.
  const goToAsked = async () => {
    const id = location.hash.replace("#row-", "");
    if (!ids.test(id)) return;
    if (!rowOf(id)) {
      const fresh = await fetched(`/feed/rows/${id}`);
      if (!fresh) return;
      fresh.classList.add("asked");
      document.getElementById("feed").prepend(fresh);
      htmx.process(fresh);
    }
    goTo(id);
  };
  const dropCopy = () => {
    const asked = document.querySelector(".mail.asked");
    if (asked && document.querySelectorAll(`#${asked.id}`).length > 1) asked.remove();
  };
  document.body.addEventListener("htmx:afterSettle", dropCopy);
  window.addEventListener("hashchange", () => goToAsked().catch(() => {}));

  const remove = (id) => {
    const { toast, popup } = onScreen.get(id) ?? {};
    toast?.remove();
    popup?.close();
    onScreen.delete(id);
  };

  const addToast = (toast, onDismiss) => {
    const button = document.createElement("button");
    button.textContent = "×";
    button.setAttribute("aria-label", page.textDismiss);
    button.addEventListener("click", onDismiss);
    toast.append(button);
    toasts.append(toast);
    let leave = setTimeout(onDismiss, TOAST_FOR_MS);
    const stay = () => clearTimeout(leave);
    const go = () => (leave = setTimeout(onDismiss, TOAST_FOR_MS));
    toast.addEventListener("mouseenter", stay);
    toast.addEventListener("mouseleave", go);
    toast.addEventListener("focusin", stay);
    toast.addEventListener("focusout", go);
  };

  const note = (text) => {
    const toast = document.createElement("div");
    toast.className = "toast note";
    const line = document.createElement("p");
    line.textContent = text;
    toast.append(line);
    addToast(toast, () => toast.remove());
  };

  const desktopPopup = async (id, toast, messageId) => {
    if (!("Notification" in window) || Notification.permission !== "granted") return null;
    if (!(await claimPopup(id)) || !onScreen.has(id)) return null;
    const popup = new Notification(toast.dataset.title, { body: toast.dataset.body, tag: id });
    popup.addEventListener("click", () => {
      window.focus();
      goTo(messageId);
      remove(id);
    });
    return popup;
  };

  const wordsOf = (event) => {
    const query = new URLSearchParams({ kind: event.kind });
    if (event.message_id) query.set("message_id", event.message_id);
    if (event.reason) query.set("reason", event.reason);
    for (const slot of event.candidates ?? []) query.append("candidate", slot);
    return fetched(`/feed/toast?${query}`);
  };

  const raised = async (event) => {
    const id = event.notification_id;
    if (!claimToast(id)) return;
    onScreen.set(id, {});
    const toast = await wordsOf(event);
    if (!toast || !onScreen.has(id)) return void onScreen.delete(id); // withdrawn while its words were fetched
    addToast(toast, () => remove(id));
    toast.querySelector("a")?.addEventListener("click", (click) => {
      click.preventDefault();
      goTo(event.message_id);
      remove(id);
    });
    onScreen.set(id, { toast });
    const popup = await desktopPopup(id, toast, event.message_id);
    if (popup) onScreen.has(id) ? onScreen.set(id, { toast, popup }) : popup.close();
  };

  // The rep wants no pop-up of it: the row says it, and nothing comes up later either.
  const silenced = async (event) => {
    claimToast(event.notification_id);
    await claimPopup(event.notification_id);
  };

  const retracted = async (event) => {
    const id = event.notification_id;
    if (onScreen.has(id)) note(page.textWithdrawn);
    remove(id);
    refreshRow(event.message_id);
    claimToast(id); // never raised later
    await claimPopup(id);
  };

  // ---- the socket

  const light = document.getElementById("connection");
  const word = light.querySelector(".word");
  const say = (state) => {
    if (light.dataset.state === state) return;
    light.dataset.state = state;
    word.textContent = word.dataset[state];
  };

  let socket = null;
  let attempts = 0;
  let timers = [];
  let retry = null;

  const later = (action, milliseconds) => timers.push(setTimeout(action, milliseconds));

  const accessToken = async () => {
    const answer = await fetch("/session/access-token", { method: "POST", headers: { "X-CSRF-Token": page.csrf } });
    if (answer.status === 401 || answer.status === 403) location.reload(); // signed out meanwhile
    if (!answer.ok) throw new Error(`access token: ${answer.status}`);
    return answer.json();
  };

  const authenticate = async (current, known) => {
    const token = known ?? (await accessToken());
    if (current.readyState !== WebSocket.OPEN) return;
    current.send(JSON.stringify({ type: "authenticate", access_token: token.access_token }));
    const refreshIn = Math.max(token.expires_in * 1000 - REFRESH_BEFORE_MS, 5_000);
    later(() => authenticate(current).catch(() => current.close()), refreshIn);
  };

  let overdue = null;
  const ping = (current) => {
    if (current.readyState !== WebSocket.OPEN) return;
    current.send('{"type":"ping"}');
    overdue = setTimeout(() => current === socket && reconnect(), PONG_WITHIN_MS);
    later(() => ping(current), PING_EVERY_MS);
  };

  const handlers = {
    ready(message) {
      say("live");
      keepCursor(message.cursor);
      bringUpToDate().catch(reconnect);
    },
    event(message) {
      const { event } = message;
      if (event.type === "feed_changed" && ids.test(event.message_id)) refreshRow(event.message_id);
      if (event.type === "notification_raised") (message.silent ? silenced : raised)(event).catch(() => {});
      if (event.type === "notification_retracted") retracted(event).catch(() => {});
      keepCursor(message.cursor);
    },
    summary(message) {
      note(page.textSummary.replace("{count}", message.count));
      keepCursor(message.cursor);
    },
    resync(message) {
      sessionStorage.removeItem(cursorKey);
      keepCursor(message.cursor);
      resyncs += 1;
      due = reloadFeed;
      upToDate = bringUpToDate().catch(reconnect);
    },
    pong() {
      clearTimeout(overdue);
    },
  };

  const connect = async () => {
    clearTimeout(retry);
    retry = null;
    let token;
    try {
      token = await accessToken();
    } catch {
      return reconnect();
    }
    const after = cursor();
    const address = `${page.pushUrl}/v1/stream${after ? `?after=${encodeURIComponent(after)}` : ""}`;
    const current = new WebSocket(address);
    socket = current;
    current.addEventListener("open", () => {
      authenticate(current, token);
      later(() => ping(current), PING_EVERY_MS);
    });
    current.addEventListener("message", ({ data }) => {
      if (current !== socket) return;
      const message = JSON.parse(data);
      handlers[message.type]?.(message);
    });
    current.addEventListener("close", ({ code }) => {
      if (current !== socket) return;
      if (code === 4403) return location.reload(); // the sign-in was revoked
      reconnect();
    });
  };

  const hangUp = () => {
    timers.forEach(clearTimeout);
    clearTimeout(overdue);
    timers = [];
    const last = socket;
    socket = null;
    last?.close();
  };

  const reconnect = () => {
    if (retry !== null) return;
    say("reconnecting");
    hangUp();
    const pause = RETRY_MS[Math.min(attempts++, RETRY_MS.length - 1)];
    retry = setTimeout(connect, pause * (0.75 + Math.random() / 2));
  };

  // else the revoked socket would reload the page before the answer to signing out arrives
  document.querySelector('form[action="/sign-out"]').addEventListener("submit", hangUp);
  window.addEventListener("online", () => retry !== null && connect());
  window.addEventListener("offline", reconnect);
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());

  // ---- leave for desktop notifications, only by a button

  const allow = document.getElementById("allow");
  if ("Notification" in window && Notification.permission === "default") {
    allow.hidden = false;
    allow.addEventListener("click", async () => {
      const answer = await Notification.requestPermission();
      allow.hidden = answer !== "default";
      if (answer === "denied") document.getElementById("test-answer").textContent = allow.dataset.denied;
    });
  }

  goToAsked().catch(() => {}); // the network failed: the feed is there without it
  connect();
})();
