// The small parts that pages are made of: buttons, notices, amounts, times, badges, tabs, copying.
// Rule: colour is never the only sign, and no part fetches anything.

import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { money } from "../format/numbers";
import { instant } from "../format/times";
import { announce } from "./page";

interface ButtonProps {
  readonly children: ComponentChildren;
  readonly onClick?: () => void;
  readonly type?: "button" | "submit";
  readonly look?: "primary" | "plain" | "danger";
  /** Something is under way: the button says so, and does nothing meanwhile. */
  readonly busy?: boolean;
  readonly disabled?: boolean;
  readonly label?: string;
  /** It is one of several to choose from, and is chosen or not. */
  readonly pressed?: boolean;
}

export function Button(props: ButtonProps) {
  const { children, onClick, type = "button", look = "plain", busy, disabled, label, pressed } = props;
  return (
    <button
      type={type}
      class={`button ${look}`}
      aria-busy={busy === true}
      disabled={disabled === true}
      aria-disabled={busy === true}
      aria-label={label}
      aria-pressed={pressed}
      onClick={(event) => {
        if (busy === true) event.preventDefault();
        else onClick?.();
      }}
    >
      {children}
    </button>
  );
}

/** A link that looks like a button. */
export function ButtonLink({
  href,
  look = "plain",
  children,
}: {
  href: string;
  look?: "primary" | "plain";
  children: ComponentChildren;
}) {
  return (
    <a class={`button ${look}`} href={href}>
      {children}
    </a>
  );
}

interface NoticeProps {
  readonly tone?: "info" | "good" | "warn" | "bad";
  readonly title?: string;
  readonly children: ComponentChildren;
}

/** Something worth knowing. What went wrong is said to a screen reader at once. */
export function Notice({ tone = "info", title, children }: NoticeProps) {
  return (
    <div class={`notice ${tone}`} role={tone === "bad" ? "alert" : undefined}>
      {title !== undefined && <strong>{title}</strong>}
      <div>{children}</div>
    </div>
  );
}

/** An amount of money, exact, in the reader's format. */
export function Money({ amount, currency }: { amount: string; currency: string }) {
  return <span class="figure">{money(amount, currency)}</span>;
}

/** An instant in the subscription's zone, and in the viewer's where that differs. */
export function Instant({ at, zone }: { at: string; zone: string }) {
  const { there, here } = instant(at, zone);
  return (
    <time dateTime={at}>
      {there}
      {here !== null && <span class="aside"> · {here}</span>}
    </time>
  );
}

export type Tone = "good" | "warn" | "bad" | "calm";

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

const STATUS_TONE: Readonly<Record<string, Tone>> = {
  active: "good",
  done: "good",
  pending: "warn",
  suspended: "bad",
  rejected: "bad",
};

/** The status of a subscription or an order. */
export function StatusBadge({ status }: { status: string }) {
  return <Badge tone={STATUS_TONE[status] ?? "calm"}>{status}</Badge>;
}

interface TabItem {
  readonly href: string;
  readonly label: string;
}

/** Links to the sides of one thing; `current` is the href of the one that is shown. */
export function Tabs({ label, items, current }: { label: string; items: readonly TabItem[]; current: string }) {
  return (
    <nav class="tabs" aria-label={label}>
      {items.map((item) => (
        <a key={item.href} href={item.href} aria-current={item.href === current ? "page" : undefined}>
          {item.label}
        </a>
      ))}
    </nav>
  );
}

/** A text to be copied: shown in full, with a button that says when it was done. */
export function Copy({ text, label, lines }: { text: string; label: string; lines?: boolean }) {
  const [done, setDone] = useState<boolean | null>(null);
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => {
        setDone(true);
        announce(`${label} copied`);
      },
      () => setDone(false),
    );
  };
  const shown =
    lines === true ? (
      <pre tabIndex={0} aria-label={label}>
        <code>{text}</code>
      </pre>
    ) : (
      <code class="copied">{text}</code>
    );
  return (
    <div class={lines === true ? "copy lines" : "copy"}>
      {shown}
      <Button onClick={copy} label={`${done === true ? "Copied" : "Copy"} ${label}`}>
        {done === true ? "Copied" : "Copy"}
      </Button>
      {done === false && <span class="error">Copying is not allowed here: mark the text and copy it by hand.</span>}
    </div>
  );
}

/** A list of names and values. */
export function Facts({ of }: { of: readonly (readonly [string, ComponentChildren])[] }): JSX.Element {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
