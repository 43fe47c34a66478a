// A key that was just made: shown this once, with what to do with it.
// Rule: the key is on the page and nowhere else; leaving the page is leaving the key, and the page says so.

import { useEffect } from "preact/hooks";
import { config } from "../config";
import { Copy, Notice } from "../ui/parts";

interface Example {
  readonly modelId: string;
  readonly unit: "tokens" | "generations";
}

function curlOf(base: string, { modelId, unit }: Example): string {
  const [path, body] =
    unit === "tokens"
      ? ["chat/completions", { model: modelId, messages: [{ role: "user", content: "Hello!" }] }]
      : ["images/generations", { model: modelId, prompt: "A lighthouse at dawn" }];
  return [
    `curl ${base}/${path} \\`,
    `  -H "Authorization: Bearer $MODELPASS_KEY" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '${JSON.stringify(body)}'`,
  ].join("\n");
}

function pythonOf(base: string, { modelId, unit }: Example): string {
  const call =
    unit === "tokens"
      ? [
          "answer = client.chat.completions.create(",
          `    model="${modelId}", messages=[{"role": "user", "content": "Hello!"}]`,
          ")",
          "print(answer.choices[0].message.content)",
        ]
      : [
          `picture = client.images.generate(model="${modelId}", prompt="A lighthouse at dawn")`,
          "print(picture.data[0].url)",
        ];
  return [
    "import os",
    "",
    "from openai import OpenAI  # pip install openai",
    "",
    `client = OpenAI(base_url="${base}", api_key=os.environ["MODELPASS_KEY"])`,
    ...call,
  ].join("\n");
}

/** `example` is the model that the snippets call; null leaves them out. */
export function KeyShown({ apiKey, example }: { apiKey: string; example: Example | null }) {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, []);
  const base = config().routerUrl.replace(/\/+$/, "");
  return (
    <section class="card" aria-label="Your API key">
      <h2>Your API key</h2>
      <Notice tone="warn" title="It is shown this once.">
        Copy it now and keep it where you keep passwords. If it gets lost, make a new one in the subscription's
        settings.
      </Notice>
      <Copy text={apiKey} label="API key" />
      {example !== null && (
        <>
          <h3>What to do with it</h3>
          <p>
            Send requests to <code>{base}</code> with the key. Put it into the environment first:
          </p>
          <Copy lines text={`export MODELPASS_KEY='${apiKey}'`} label="command that sets the key" />
          <h4>curl</h4>
          <Copy lines text={curlOf(base, example)} label="curl command" />
          <h4>Python</h4>
          <Copy lines text={pythonOf(base, example)} label="Python program" />
        </>
      )}
    </section>
  );
}
