#pragma once
// Which built-in template a model's own Jinja text is.

#include <optional>
#include <string>
#include <string_view>

namespace assay::runners {

struct Recognised {
  std::string_view name;  ///< of a TemplateFamily
  std::string warning;    ///< empty if the text is known word for word and asks for nothing that changes
};

/// Nothing if the text looks like no template we have.
std::optional<Recognised> recognise_template(std::string_view template_text);

}  // namespace assay::runners
