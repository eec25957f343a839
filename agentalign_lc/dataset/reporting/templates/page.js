"use strict";
// What the pages share. All text from the data goes in as text nodes; nothing here makes markup from a string.
const page = (() => {
  const byId = (id) => document.getElementById(id);

  // What acts without being seen is shown: control characters, and those that turn text around.
  const visible = (text) =>
    String(text)
      .replace(/[\u0000-\u0008\u000b-\u001f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
      .replace(/\u007f/g, "\u2421")
      .replace(/[\u202a-\u202e\u2066-\u2069]/g, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase()}⟩`);
  const label = (name) => visible(name).replaceAll("_", " ");
  const title = (name) => label(name).replace(/(?<=[a-z0-9])-(?=[a-z0-9])/gi, " ");

  function element(tag, name, ...children) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    for (const child of children) {
      if (child !== null && child !== "") made.append(typeof child === "string" ? visible(child) : child);
    }
    return made;
  }

  function isolated(text, tag = "bdi", name = "") {
    const made = element(tag, name, text);
    made.dir = "auto";
    return made;
  }

  const tag = (intent) => element("span", `intent ${intent}`, intent);

  // The timeline of one trajectory.
  function drawEvent(event, refusedAt) {
    if (event.kind === "call") return drawCall(event);
    const item = element("li", `event ${event.kind}`);
    if (event.kind === "system") {
      item.append(element("details", "", element("summary", "who", "System message"), isolated(event.text, "div", "said")));
      return item;
    }
    const who = { user: "User", assistant: "Assistant", refusal: "Assistant refuses" }[event.kind];
    const calls = refusedAt === 1 ? "1 tool call" : `${refusedAt} tool calls`;
    const when = event.kind !== "refusal" || refusedAt === null ? "" : refusedAt ? `, after ${calls}` : ", at once";
    item.append(element("p", "who", who + when), isolated(event.text, "div", "said"));
    return item;
  }

  function drawCall(event) {
    const item = element("li", `event call${event.error ? " error" : ""}`);
    const details = element("details");
    const brief = event.arguments.replace(/\s+/g, " ");
    const notes = [];
    if (event.error) notes.push("error");
    if (event.result === null) notes.push("not answered");
    if (event.injected) notes.push("carries an injected instruction");
    if (event.obeyed) notes.push("follows the injected instruction");
    const summary = element("summary", "", isolated(event.name, "code"));
    if (notes.length) summary.append(element("span", "bad", ` ${notes.join(", ")}`));
    if (brief !== "{}") summary.append(isolated(brief, "span", "brief"));
    details.append(summary, element("p", "part", "Arguments"), isolated(event.arguments, "pre"));
    if (event.result !== null) details.append(element("p", "part", "Result"), isolated(event.result, "pre"));
    item.append(element("span", "unseen", "Tool call"), details);
    return item;
  }

  function drawTimeline(events, refusedAt) {
    const timeline = element("ol", "timeline");
    for (const event of events) timeline.append(drawEvent(event, refusedAt));
    return timeline;
  }

  // Light or dark, whatever the system says.
  const theme = byId("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  const name = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  dark.addEventListener("change", name);
  name();

  return { byId, visible, label, title, element, isolated, tag, drawTimeline };
})();
