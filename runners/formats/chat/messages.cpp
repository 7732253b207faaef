#include "runners/formats/chat/messages.h"

#include <string>
#include <utility>

#include "harness/base/text.h"

namespace assay::runners {

namespace {

Result<Role> read_role(const JsonObject& message) {
  ASSAY_ASSIGN(const std::string role, message.string("role"));
  if (role == "system") return Role::system;
  if (role == "user") return Role::user;
  if (role == "assistant") return Role::assistant;
  return message.field_error("role", "is " + quoted_excerpt(role) + "; known are: system, user, assistant (no tools)");
}

}  // namespace

Result<std::vector<Message>> read_messages(const JsonObject& object) {
  const Json* list = object.find("messages");
  if (list == nullptr || !list->is_array() || list->empty()) {
    return object.field_error("messages", "must be a list of at least one {\"role\",\"content\"}");
  }
  std::vector<Message> messages;
  for (std::size_t i = 0; i < list->size(); ++i) {
    ASSAY_ASSIGN(const JsonObject entry,
                 JsonObject::of((*list)[i], object.where() + ": messages[" + std::to_string(i) + "]"));
    ASSAY_ASSIGN(const Role role, read_role(entry));
    ASSAY_TRY(entry.refuse_unknown({"role", "content"}));
    ASSAY_ASSIGN(std::string content, entry.string("content"));
    messages.push_back({role, std::move(content)});
  }
  return messages;
}

}  // namespace assay::runners
