#pragma once
// What of a text is prose: code and formulas belong to no language.

#include <string>
#include <string_view>

namespace assay::suites {

/// `text` without fenced blocks and `code`, TeX formulas ($…$, $$…$$, \(…\), \[…\], \begin{…}…\end{…}), names of TeX
/// commands, links and tags; each leaves a blank. An environment ends with the first \end{…}. A fence that never closes
/// reaches to the end; any other opening mark without its end stands for itself. A lone "$" is money: a formula begins
/// before and ends behind something that is no blank, on one line.
std::string prose_only(std::string_view text);

}  // namespace assay::suites
