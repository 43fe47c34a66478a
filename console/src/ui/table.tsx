// Tables: a caption, heads that say what a column is, and figures set to the right.
// Rule: a table that is wider than the screen scrolls by itself, also by keyboard; the page never does.

import type { ComponentChildren } from "preact";

export interface Column<Row> {
  readonly head: string;
  readonly numeric?: boolean;
  /** It holds what can be done with a row, and stays in sight while the others are scrolled. */
  readonly actions?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
}

interface TableProps<Row> {
  /** What the table shows; said to a screen reader, and seen where `seen` is set. */
  readonly caption: string;
  readonly seen?: boolean;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  /** The cells of a last row, such as totals; one for each column. */
  readonly foot?: readonly ComponentChildren[];
}

type Look = Pick<Column<never>, "numeric" | "actions">;

function lookOf({ numeric, actions }: Look): string | undefined {
  if (numeric === true) return "figure";
  return actions === true ? "beside" : undefined;
}

interface CellProps {
  readonly of: Look;
  /** It is the head of its row. */
  readonly first: boolean;
  readonly children: ComponentChildren;
}

function Cell({ of, first, children }: CellProps) {
  const look = lookOf(of);
  if (!first) return <td class={look}>{children}</td>;
  return (
    <th scope="row" class={look}>
      {children}
    </th>
  );
}

/** The first column is the head of its row. */
export function Table<Row>({ caption, seen, columns, rows, rowKey, foot }: TableProps<Row>) {
  return (
    <div class="table" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class={seen === true ? undefined : "unseen"}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.head} scope="col" class={lookOf(column)}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((column, index) => (
                <Cell key={column.head} of={column} first={index === 0}>
                  {column.cell(row)}
                </Cell>
              ))}
            </tr>
          ))}
        </tbody>
        {foot !== undefined && <Foot columns={columns} cells={foot} />}
      </table>
    </div>
  );
}

function Foot({ columns, cells }: { columns: readonly Column<never>[]; cells: readonly ComponentChildren[] }) {
  return (
    <tfoot>
      <tr>
        {columns.map((column, index) => (
          <Cell key={column.head} of={column} first={index === 0}>
            {cells[index]}
          </Cell>
        ))}
      </tr>
    </tfoot>
  );
}
