// The palette (Ctrl-K): finds pages, incidents, words and people. It leads somewhere or fills the command line; it acts on nothing.
"use strict";

(() => {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const told = dialog.querySelector("[role=status]");
  const line = document.getElementById("text");
  let found = [];
  let at = 0;
  let asked = 0;
  let waiting = 0;

  const choose = (to) => {
    at = found.length ? (to + found.length) % found.length : 0;
    [...list.children].forEach((one, index) => one.setAttribute("aria-selected", String(index === at)));
    const chosen = list.children[at];
    if (chosen) { input.setAttribute("aria-activedescendant", chosen.id); chosen.scrollIntoView({ block: "nearest" }); }
    else input.removeAttribute("aria-activedescendant");
  };
  const take = (one) => {
    dialog.close();
    if (one.address) { location.assign(one.address); return; }
    const text = document.getElementById("text");
    text.value = one.line;
    text.focus();
    text.setSelectionRange(text.value.length, text.value.length);
  };
  const draw = () => {
    list.replaceChildren(...found.map((one, index) => {
      const row = document.createElement("li");
      row.id = `found-${index}`;
      row.setAttribute("role", "option");
      for (const [name, text] of [["kind", one.kind], ["label", one.label], ["hint", one.hint]]) {
        const part = document.createElement("span");
        part.className = name;
        part.textContent = text;
        row.append(part, " ");
      }
      row.addEventListener("click", () => take(one));
      return row;
    }));
    told.textContent = found.length ? "" : "Nothing fits. Try a title, a name, or a word of the command line.";
    choose(0);
  };
  const ask = async () => {
    const mine = ++asked;
    try {
      const answer = await fetch(`/palette?${new URLSearchParams({ q: input.value, here: line ? location.pathname : "" })}`);
      if (!answer.ok) throw new Error(answer.status);
      const fresh = await answer.json();
      if (mine === asked) { found = fresh; draw(); }
    } catch {
      if (mine === asked) { found = []; draw(); told.textContent = "The bot does not answer; try again in a moment."; }
    }
  };
  const open = () => { input.value = ""; dialog.showModal(); input.focus(); ask(); };

  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, 60); });
  input.addEventListener("keydown", (event) => {
    const keys = {
      ArrowDown: () => choose(at + 1),
      ArrowUp: () => choose(at - 1),
      Enter: () => { if (found[at]) take(found[at]); },
    };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (dialog.open) dialog.close(); else open();
  });
  const button = document.getElementById("find");
  button.hidden = false;
  button.addEventListener("click", open);
})();
