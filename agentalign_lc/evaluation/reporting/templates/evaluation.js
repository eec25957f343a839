// The browser of the requests that agents answered differently.
(() => {
  const { browse, byId, drawTimeline, element, isolated, label, tabbed, tag } = page;
  let chosen = 0;

  const percent = (share) => (share === null ? "unknown" : `${Math.round(100 * share)} %`);

  function drawAnswer(answer) {
    const box = element("div");
    if (answer.problem) box.append(element("p", "note bad", isolated(answer.problem)));
    if (answer.injection) box.append(element("p", "note bad", "Followed a third party's instruction."));
    const calls = answer.events.filter((event) => event.kind === "call").length;
    box.append(answer.events.length ? drawTimeline(answer.events, calls) : element("p", "note", "It left no trajectory."));
    return box;
  }

  function drawDetail(one) {
    const where = element("p", "where", isolated(label(one.category)), one.subcategory ? " · " : "", isolated(label(one.subcategory)));
    const link = isolated(one.id, "a", "id");
    link.href = `#${encodeURIComponent(one.id)}`;
    const facts = element("p", "facts", tag(one.intent), isolated(label(one.suite), "span"), link);
    const answers = one.answers.map((answer) =>
      element("li", "", isolated(answer.agent), ": ", element("b", "", answer.verdict), `, score ${percent(answer.score)}`));
    const panes = one.answers.map((answer, number) => [`agent-${number}`, answer.agent, drawAnswer(answer)]);
    // The agent that was looked at stays chosen from one request to the next.
    const tabs = tabbed("Agents", panes, chosen, (number) => { chosen = number; });
    return [where, facts, element("ul", "answers", ...answers), ...tabs];
  }

  function drawRow(one) {
    const what = element("span", "what", tag(one.intent), " ", one.answers.map((answer) => answer.verdict).join(" / "));
    return [what, isolated(one.request || one.id, "span", "said")];
  }

  browse({
    items: JSON.parse(byId("data").textContent),
    fields: ["suite", "intent", "category"],
    row: drawRow,
    draw: drawDetail,
    none: (count) => (count ? "No request fits." : "No two agents differed on any request."),
  });
})();
