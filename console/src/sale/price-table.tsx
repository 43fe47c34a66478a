// What something costs, line by line, as the service counted it.
// Rule: every amount is one of the quote's; nothing is added up here.

import type { Quote } from "../api/types";
import { counted } from "../format/numbers";
import { Money } from "../ui/parts";

interface PriceProps {
  readonly price: Quote;
  /** The head of the column of what is charged for each line. */
  readonly charged?: string | undefined;
  /** It is charged once, so that a price for a month says nothing. */
  readonly once?: boolean | undefined;
}

export function PriceTable({ price, charged = `For ${counted(price.months, "month")}`, once }: PriceProps) {
  const amount = (value: string) => <Money amount={value} currency={price.currency} />;
  return (
    <div class="table" role="region" aria-label="Price, line by line" tabIndex={0}>
      <table>
        <caption class="unseen">Price, line by line</caption>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Tier</th>
            {once !== true && <th scope="col" class="figure">A month</th>}
            <th scope="col" class="figure">{charged}</th>
          </tr>
        </thead>
        <tbody>
          {price.lines.map((line) => (
            <tr key={line.modelId}>
              <th scope="row">{line.modelId}</th>
              <td>{line.channelTier}</td>
              {once !== true && <td class="figure">{amount(line.monthly)}</td>}
              <td class="figure">{amount(line.total)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row" colSpan={2}>Total</th>
            {once !== true && <td class="figure">{amount(price.monthlyTotal)}</td>}
            <td class="figure"><strong>{amount(price.total)}</strong></td>
          </tr>
        </tfoot>
      </table>
    </div>
  );
}
