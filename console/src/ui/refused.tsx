// A refusal as people read it: what happened, what to do, and what the service said, for whoever is asked for help.
// Rule: the words come from api/words.ts alone.

import { WORDS } from "../api/words";
import type { Refusal } from "../api/refusal";
import { counted } from "../format/numbers";
import { Button, Notice } from "./parts";

interface RefusedProps {
  readonly refusal: Refusal;
  /** Tries once more; it is offered where the same can succeed by itself. */
  readonly again?: () => void;
}

export function Refused({ refusal, again }: RefusedProps) {
  const { what, todo } = WORDS[refusal.code];
  const canPass = refusal.status === 0 || refusal.status === 429 || refusal.status >= 500;
  return (
    <Notice tone="bad" title={what}>
      <p>
        {todo}
        {refusal.retryAfter !== null && ` It can succeed in ${counted(refusal.retryAfter, "second")}.`}
      </p>
      <details>
        <summary>What the service said</summary>
        <p>
          {refusal.message} <code>{refusal.code}</code>
          {refusal.param !== null && (
            <>
              {" "}
              · <code>{refusal.param}</code>
            </>
          )}
          {refusal.requestId !== null && (
            <>
              {" "}
              · id <code>{refusal.requestId}</code>
            </>
          )}
        </p>
      </details>
      {again !== undefined && canPass && <Button onClick={again}>Try again</Button>}
    </Notice>
  );
}
