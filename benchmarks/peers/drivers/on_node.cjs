// The peers on Node.js: rate-limiter-flexible with its DynamoDB store, and its own floor, a bare UpdateItem of the AWS SDK.
// Rule: it speaks as protocol.py defines, and configures the store as its documentation advises. CPU time is that of the whole process.
"use strict";
const readline = require("node:readline");
const { DynamoDB } = require("@aws-sdk/client-dynamodb");
const { RateLimiterDynamo } = require("rate-limiter-flexible");

const client = new DynamoDB({ endpoint: process.env.AWS_ENDPOINT_URL_DYNAMODB, region: process.env.AWS_DEFAULT_REGION });
const TABLE = "bench-peers-flexible";

const binary = (value) =>
  JSON.parse(value, (_, inner) =>
    inner && typeof inner === "object" && Object.keys(inner).join() === "B" && typeof inner.B === "string"
      ? { B: new Uint8Array(Buffer.from(inner.B, "base64")) }
      : inner,
  );

// The very requests that authorize and settle send; each check opens a hold under a name of its own.
class Bare {
  reports = true;
  async prepare({ name }) {
    this.requests = binary(name);
    return name;
  }
  named(request, hold) {
    return { ...request, ExpressionAttributeNames: { ...request.ExpressionAttributeNames, "#k": hold } };
  }
  async check(_, __, number) {
    await client.updateItem(this.named(this.requests[0], number));
    return number;
  }
  async report(_, grant) {
    await client.updateItem(this.named(this.requests[1], grant));
  }
  async left() {
    throw new Error("it decides nothing");
  }
}

// One limiter per limit; `inMemoryBlockOnConsumed` as its page on DynamoDB advises.
class Flexible {
  reports = true;
  constructor(limits) {
    this.limits = limits;
    this.made = new Map();
  }
  async limiter(what, points, duration) {
    const name = `${what}-${points}-${duration}`;
    if (!this.made.has(name)) {
      const limiter = await new Promise((resolve, reject) => {
        const made = new RateLimiterDynamo(
          { storeClient: client, tableName: TABLE, keyPrefix: what, points, duration, inMemoryBlockOnConsumed: points },
          (error) => (error ? reject(error) : resolve(made)),
        );
      });
      this.made.set(name, limiter);
    }
    return this.made.get(name);
  }
  async prepare({ name, calls, tokens, window_seconds }) {
    const smaller = calls < tokens ? [["calls", calls]] : [["tokens", tokens]];
    const limits = this.limits === 1 ? smaller : [["calls", calls], ["tokens", tokens]];
    return { name, limits, window: window_seconds };
  }
  async check({ name, limits, window }, tokens) {
    const taken = [];
    for (const [what, points] of limits) {
      const limiter = await this.limiter(what, points, window);
      const cost = what === "calls" ? 1 : tokens;
      try {
        await limiter.consume(name, cost);
      } catch (refused) {
        if (refused instanceof Error) throw refused;
        return null; // what an earlier limit took stays taken, as in its own union of limiters
      }
      taken.push([what, limiter, cost]);
    }
    return taken;
  }
  async report({ name }, grant, used) {
    for (const [what, limiter, cost] of grant) {
      if (what === "tokens" && cost !== used) await limiter.reward(name, cost - used);
    }
  }
  async left({ name, limits, window }) {
    const points = new Map(limits).get("tokens");
    const found = await (await this.limiter("tokens", points, window)).get(name);
    return found === null ? points : points - found.consumedPoints;
  }
}

const PEERS = { bare: () => new Bare(), one: () => new Flexible(1), two: () => new Flexible(2) };
const peer = PEERS[process.argv[2]]();
const mark = () => Math.random().toString(36).slice(2, 10);
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

async function measure({ key, times, tokens, used }) {
  const seconds = { check: 0, report: 0 };
  const of = mark();
  for (let number = 0; number < times; number += 1) {
    const began = cpuSeconds();
    const grant = await peer.check(key, tokens, `${of}-${number}`);
    const checked = cpuSeconds();
    if (grant === null) throw new Error("refused where nothing is used up");
    await peer.report(key, grant, used);
    seconds.check += checked - began;
    seconds.report += cpuSeconds() - checked;
  }
  return seconds;
}

async function race({ key, attempts, workers, tokens, used }) {
  const counts = { granted: 0, refused: 0, failed: 0, failure: "", workers: "tasks" };
  const of = mark();
  let next = 0;
  const work = async () => {
    while (next < attempts) {
      const number = `${of}-${next++}`;
      try {
        const grant = await peer.check(key, tokens, number);
        if (grant !== null) await peer.report(key, grant, used);
        counts[grant === null ? "refused" : "granted"] += 1;
      } catch (error) {
        counts.failed += 1;
        counts.failure = counts.failure || `${error.name}: ${error.message}`.slice(0, 200);
      }
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return counts;
}

const ANSWERS = {
  prepare: async (told) => ({ key: await peer.prepare(told) }),
  measure,
  race,
  hold: async ({ key, tokens }) => ({ held: (await peer.check(key, tokens, mark())) !== null }),
  left: async ({ key }) => ({ left: await peer.left(key) }),
};
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

(async () => {
  say({ reports: peer.reports });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { do: what, ...told } = JSON.parse(line);
    try {
      say(await ANSWERS[what](told));
    } catch (error) {
      say({ error: `${error.name}: ${error.message}`.slice(0, 300) });
    }
  }
})();
