#include "runners/api/event_stream.h"

namespace assay::runners::api {

bool EventStream::add(std::string_view bytes, const Sink& sink) {
  if (after_cr_ && bytes.starts_with('\n')) bytes.remove_prefix(1);
  if (!bytes.empty()) after_cr_ = false;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find_first_of("\r\n");
    line_.append(bytes.substr(0, end));
    if (line_.size() + data_.size() > kMostBytes) return false;
    if (end == std::string_view::npos) break;
    const bool is_cr = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (is_cr && bytes.starts_with('\n')) bytes.remove_prefix(1);
    after_cr_ = is_cr && bytes.empty();
    end_line(sink);
  }
  return true;
}

void EventStream::end_line(const Sink& sink) {
  ++n_lines_;
  std::string_view line = line_;
  if (n_lines_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  if (line.empty()) {
    if (has_data_) sink(data_);
    data_.clear();
    has_data_ = false;
  } else if (line == "data" || line.starts_with("data:")) {
    line.remove_prefix(line.size() > 4 ? 5 : 4);
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (has_data_) data_ += '\n';
    data_ += line;
    has_data_ = true;
  }
  line_.clear();
}

}  // namespace assay::runners::api
