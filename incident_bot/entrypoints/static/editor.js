// The editor of a post-mortem: saves by itself, keeps a copy in this browser while it cannot, shows what it looks like.
"use strict";

(() => {
  const form = document.getElementById("editor");
  if (!form) return;
  const text = form.elements.text, version = form.elements.version;
  const saving = document.getElementById("saving"), shown = document.getElementById("preview");
  const kept = document.getElementById("kept"), place = `postmortem:${form.dataset.name}`;
  const QUIET = 3000, APART = 15000, SHOW = 700;
  // What came with a form and is not stored yet: a preview, something put in, a clash.
  const unsaved = form.dataset.unsaved;
  // What two people's words were put together to: it is saved once a person asks for it, or goes on writing.
  let saved = unsaved ? "" : text.value, offered = unsaved === "clash" ? text.value : "", last = 0, timer = 0, drawing = 0, busy = false;
  const say = (words) => { saving.textContent = words; };
  const keep = (sent = false) => {
    // A private window may refuse to keep anything; the form itself still saves.
    try { localStorage.setItem(place, JSON.stringify({ version: version.value, text: text.value, sent })); } catch { /* not kept */ }
  };
  const forget = () => { try { localStorage.removeItem(place); } catch { /* nothing was kept */ } };
  const put = (words) => {
    const at = text.selectionStart, top = text.scrollTop;
    text.value = words;
    text.setSelectionRange(at, at);
    text.scrollTop = top;
  };

  const draw = async () => {
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: text.value, headers: { "content-type": "text/markdown" } });
      // Cleaned by the server: nothing in it can run, and the page's policy allows no script of its own.
      if (answer.ok) shown.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
    } catch { /* The next keystroke asks again. */ }
  };

  const store = async (asked = false) => {
    clearTimeout(timer);
    if (busy || text.value === saved || (!asked && text.value === offered) || !text.value.trim()) return;
    busy = true;
    const sent = text.value;
    last = Date.now();
    say("Saving …");
    try {
      const answer = await fetch(form.dataset.document, { method: "PUT", body: sent, headers: { "content-type": "text/markdown", "if-match": `"${version.value}"` } });
      const told = await answer.json();
      if (answer.ok) {
        version.value = told.version;
        saved = sent;
        if (text.value === sent) forget();
        say(`Saved as version ${told.version}.`);
      } else if (answer.status === 409 && told.merged !== undefined) {
        if (text.value === sent) {
          put(told.merged);
          version.value = told.version;
          saved = "";
          offered = told.clashes ? told.merged : "";
          draw();
        }
        if (text.value !== told.merged) say(`${told.saved_by} saved version ${told.version} meanwhile; what you wrote since is put together with it when it is saved.`);
        else if (told.clashes) say(`${told.saved_by} saved version ${told.version} meanwhile and changed the same words: they are quoted beneath yours. Settle it and save.`);
        else say(`${told.saved_by} saved version ${told.version} meanwhile; both changes are in the text.`);
        keep();
      } else say(`Not saved: ${told.detail}`);
    } catch {
      keep();
      say("Not saved: no connection. The text is kept in this browser, and saved when the bot can be reached.");
    } finally {
      busy = false;
      if (text.value !== saved) timer = setTimeout(() => store(), APART);
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => store(), Math.max(QUIET, last + APART - Date.now()));
  };

  text.addEventListener("input", () => {
    keep();
    say("Not saved yet.");
    soon();
    clearTimeout(drawing);
    drawing = setTimeout(draw, SHOW);
  });
  addEventListener("online", () => store());
  addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") { event.preventDefault(); store(true); }
  });
  addEventListener("beforeunload", (event) => { if (text.value !== saved) event.preventDefault(); });
  form.addEventListener("submit", () => { saved = text.value; keep(true); });

  // What was typed before the browser went away; not what was sent with the form and arrived.
  try {
    const found = JSON.parse(localStorage.getItem(place) ?? "null");
    const arrived = found?.sent && (unsaved || new URLSearchParams(location.search).has("saved"));
    if (found && !arrived && found.text !== text.value) {
      const decided = () => { kept.hidden = true; text.readOnly = false; };
      kept.hidden = false;
      // There is one place to keep a text: another one would take the place of this one before anybody has looked at it.
      text.readOnly = true;
      say("This browser kept a text that was not saved. Take it or forget it, then write on.");
      document.getElementById("take").addEventListener("click", () => {
        put(found.text);
        version.value = found.version;
        decided();
        draw();
        soon();
      });
      document.getElementById("drop").addEventListener("click", () => { forget(); decided(); });
    } else if (unsaved) {
      keep();
      soon();
    } else forget();
  } catch { forget(); }
})();
