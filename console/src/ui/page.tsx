// The frame of a page: its title, its heading, its actions, and what a screen reader is told.
// Rule: a page has one h1, which gets the focus when the page is come to, and a title of its own in the tab.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { store, useStore } from "../store";

const said = store("");

/** Has a screen reader say `text`, without moving the focus; also the same text twice. */
export function announce(text: string): void {
  said.set("");
  setTimeout(() => said.set(text));
}

/** The live region of the whole console; the shell has one. */
export function Announcements() {
  return (
    <div class="unseen" role="status" aria-live="polite">
      {useStore(said)}
    </div>
  );
}

interface PageProps {
  readonly title: string;
  /** What stands beside the heading: buttons, the time of the figures. */
  readonly beside?: ComponentChildren;
  readonly children: ComponentChildren;
}

let shown = 0;

/** One page. Its heading takes the focus, except on the first page after loading. */
export function Page({ title, beside, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – Modelpass`;
  }, [title]);
  useEffect(() => {
    shown += 1;
    if (shown > 1) heading.current?.focus();
  }, []);
  return (
    <>
      <header class="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {beside !== undefined && <div class="beside">{beside}</div>}
      </header>
      {children}
    </>
  );
}
