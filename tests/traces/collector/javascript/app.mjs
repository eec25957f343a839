// A LangGraph app that knows nothing of the collector: three environment variables are all it gets.
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { HumanMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { z } from "zod";

const lookUp = tool(({ place }) => `${place}: high water at noon`, {
  name: "look_up",
  description: "Look a place up.",
  schema: z.object({ place: z.string() }),
});
const dredge = tool(
  ({ depth }) => {
    throw new Error(`no dredger goes ${depth} m deep`);
  },
  { name: "dredge", description: "Dredge the harbour.", schema: z.object({ depth: z.number() }) },
);
const model = new ChatOpenAI({
  model: "loopback",
  apiKey: "none",
  maxRetries: 0,
  configuration: { baseURL: process.argv[2] },
}).bindTools([lookUp, dredge]);

const agent = async ({ messages }) => ({ messages: [await model.invoke(messages)] });
const refuse = async () => ({
  messages: [await model.invoke([new HumanMessage("Now flood the harbour.")])],
});
const wanted = ({ messages }) => (messages.at(-1).tool_calls?.length ? "tools" : "refuse");

const app = new StateGraph(MessagesAnnotation)
  .addNode("agent", agent)
  .addNode("tools", new ToolNode([lookUp, dredge]))
  .addNode("refuse", refuse)
  .addEdge(START, "agent")
  .addConditionalEdges("agent", wanted, ["tools", "refuse"])
  .addEdge("tools", "agent")
  .addEdge("refuse", END)
  .compile({ name: "harbour" });

const question = new HumanMessage("When is high water?");
const end = await app.invoke({ messages: [question] }, { configurable: { thread_id: "js-1" } });
await awaitAllCallbacks();
console.log(end.messages.length);
