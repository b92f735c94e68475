// Runs npm's `openai` against OPENAI_BASE_URL and prints what it got, as JSON: the list of calls comes on standard input.
import OpenAI from "openai";
import { readFileSync } from "node:fs";

const answers = [];
for (const { options, body } of JSON.parse(readFileSync(0, "utf8"))) {
  const client = new OpenAI(options);
  try {
    const answer = await client.moderations.create(body);
    answers.push({ answer, requestId: answer._request_id });
  } catch (error) {
    const { status, code, type, param, message, requestID } = error;
    answers.push({ error: error.constructor.name, status, code, type, param, message, requestId: requestID });
  }
}
console.log(JSON.stringify(answers));
