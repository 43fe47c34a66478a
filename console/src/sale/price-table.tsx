// What something costs, line by line, as the service counted it.
// Rule: every amount is one of the quote's; nothing is added up here.

import type { Quote } from "../api/types";
import { counted } from "../format/numbers";
import { Money } from "../ui/parts";

/** `charged` heads the column of what is charged for each line. */
export function PriceTable({ price, charged = `For ${counted(price.months, "month")}` }: { price: Quote; charged?: string }) {
  const amount = (value: string) => <Money amount={value} currency={price.currency} />;
  return (
    <div class="table" role="region" aria-label="Price, line by line" tabIndex={0}>
      <table>
        <caption class="unseen">Price, line by line</caption>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Tier</th>
            <th scope="col" class="figure">A month</th>
            <th scope="col" class="figure">{charged}</th>
          </tr>
        </thead>
        <tbody>
          {price.lines.map((line) => (
            <tr key={line.modelId}>
              <th scope="row">{line.modelId}</th>
              <td>{line.channelTier}</td>
              <td class="figure">{amount(line.monthly)}</td>
              <td class="figure">{amount(line.total)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={2}>Total</th>
            <td class="figure">{amount(price.monthlyTotal)}</td>
            <td class="figure"><strong>{amount(price.total)}</strong></td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
