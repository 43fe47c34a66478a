// Tables: a caption, heads that say what a column is, and figures set to the right.
// Rule: a table that is wider than the screen scrolls by itself, also by keyboard; the page never does.

import type { ComponentChildren } from "preact";

export interface Column<Row> {
  readonly head: string;
  readonly numeric?: boolean;
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

interface CellProps {
  readonly numeric: boolean | undefined;
  /** It is the head of its row. */
  readonly first: boolean;
  readonly children: ComponentChildren;
}

function Cell({ numeric, first, children }: CellProps) {
  const look = numeric === true ? "figure" : undefined;
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
            {columns.map(({ head, numeric }) => (
              <th key={head} scope="col" class={numeric === true ? "figure" : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map(({ head, numeric, cell }, index) => (
                <Cell key={head} numeric={numeric} first={index === 0}>
                  {cell(row)}
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
        {columns.map(({ head, numeric }, index) => (
          <Cell key={head} numeric={numeric} first={index === 0}>
            {cells[index]}
          </Cell>
        ))}
      </tr>
    </tfoot>
  );
}
