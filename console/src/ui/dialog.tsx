// Questions that stand above the page: the browser's own dialog, which keeps the focus and closes on Escape.
// Rule: what cannot be undone, or costs something, is confirmed in one of these, which says what comes of it.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { asRefusal } from "../api/refusal";
import type { Refusal } from "../api/refusal";
import { Field } from "./field";
import { Button } from "./parts";
import { Refused } from "./refused";

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A dialog that is open as long as it is drawn. The focus returns to where it was. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClose={() => {
        // A browser may close it against `onCancel`; whoever drew it may not want that yet.
        onClose();
        requestAnimationFrame(() => {
          if (dialog.current?.open === false) dialog.current.showModal();
        });
      }}
    >
      <h2 id={id} tabIndex={-1} autoFocus>
        {title}
      </h2>
      {children}
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  /** What comes of it, and what it costs. */
  readonly children: ComponentChildren;
  /** The words on the button that does it: "Cancel the subscription". */
  readonly action: string;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  readonly busy: boolean;
  readonly refusal?: Refusal | null;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** Asks whether something is to be done. While it is under way, neither button does anything. */
export function Confirm({
  title,
  children,
  action,
  danger,
  disabled,
  busy,
  refusal,
  onConfirm,
  onClose,
}: ConfirmProps) {
  const close = () => {
    if (!busy) onClose();
  };
  return (
    <Dialog title={title} onClose={close}>
      {children}
      {refusal !== null && refusal !== undefined && <Refused refusal={refusal} />}
      <div class="actions">
        <Button onClick={close} disabled={busy}>
          Go back
        </Button>
        <Button
          look={danger === true ? "danger" : "primary"}
          onClick={onConfirm}
          busy={busy}
          disabled={disabled === true}
        >
          {action}
        </Button>
      </div>
    </Dialog>
  );
}

export interface Doing {
  readonly busy: boolean;
  readonly refusal: Refusal | null;
  /** Runs `work` unless it runs already; answers whether it was done. */
  readonly run: (work: () => Promise<unknown>) => Promise<boolean>;
  readonly forget: () => void;
}

/** Something that is done once at a time, with why it was refused. Sales use `useSale`. */
export function useDoing(): Doing {
  const running = useRef(false);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setRefusal(null);
    try {
      await work();
      return true;
    } catch (error) {
      setRefusal(asRefusal(error));
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  };
  return { busy, refusal, run, forget: () => setRefusal(null) };
}

interface ReasonProps<T> {
  readonly title: string;
  /** What comes of it; what is to be filled in besides is drawn with the refusal that may be about it. */
  readonly children: ComponentChildren | ((refusal: Refusal | null) => ComponentChildren);
  readonly action: string;
  readonly danger?: boolean;
  /** Whether what is to be filled in besides can be sent. */
  readonly ready?: boolean;
  /** The name that the service has for the reason where it is part of the body. */
  readonly param?: string;
  /** What the reason is at first: that of an attempt that got no answer. */
  readonly initial?: string;
  /** Does it, with the reason; throws a Refusal where it is refused. The dialog closes when it is done. */
  readonly work: (reason: string) => Promise<T>;
  /** Is given what `work` answered. */
  readonly onDone: (result: T) => void;
  readonly onClose: () => void;
}

/** Asks for the reason that an operator's action is logged with, 1 to 200 characters, and does it. */
export function ReasonDialog<T>(props: ReasonProps<T>) {
  const { title, children, action, danger, ready = true, param = "X-Request-Reason", work, onDone, onClose } = props;
  const [reason, setReason] = useState(props.initial ?? "");
  const doing = useDoing();
  const given = reason.trim();
  const confirm = async () => {
    if (given !== "" && ready) await doing.run(async () => onDone(await work(given)));
  };
  return (
    <Confirm
      title={title}
      action={action}
      danger={danger === true}
      disabled={given === "" || !ready}
      busy={doing.busy}
      refusal={doing.refusal}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      {typeof children === "function" ? children(doing.refusal) : children}
      <Field label="Reason" hint="It stands in the log beside what was done." param={param} refusal={doing.refusal}>
        {(tied) => (
          <input
            {...tied}
            type="text"
            maxLength={200}
            required
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        )}
      </Field>
    </Confirm>
  );
}
