#include "results/sqlite.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "harness/base/text.h"

namespace assay::results {

namespace {

constexpr int kBusyTimeoutMs = 30'000;
// The longest text or blob that is read or written. SQLite's own default of 1 GB would let a damaged length field ask
// for it.
constexpr int kMaxValueBytes = 256 << 20;

/// What the system said, where SQLite only knows that input or output failed.
std::string hint(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "; make room and give the same command again: what was stored is safe";
    case SQLITE_IOERR:
      return "; the disk fails, or a quota or a limit on file sizes (ulimit -f) is reached: what was stored is safe";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "; another process holds it: wait until it has finished";
    case SQLITE_READONLY:
      return "; file and folder must be writable";
    case SQLITE_NOTADB:
      return "; expected an Assay results database";
    case SQLITE_CORRUPT:
      return "; restore it from a copy";
    default:
      return "";
  }
}

/// SQLite tells why it could not open a file without making it; where that is missing, making it failed before.
int opening_failure(const std::filesystem::path& path, int system_code) {
  const std::filesystem::path parent = path.parent_path();
  const bool cant_make = ::access(parent.empty() ? "." : parent.c_str(), W_OK) != 0;
  return system_code == ENOENT && cant_make ? errno : system_code;
}

bool is_environment(int code) {
  switch (code & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_ERROR:
    case SQLITE_FORMAT:
      return false;
    default:
      return true;
  }
}

/// `path` as an SQLite URI, which alone can say immutable=1.
std::string to_uri(const std::filesystem::path& path, std::string_view query) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : path.string()) {
    if (c == '%' || c == '?' || c == '#') {
      const auto byte = static_cast<unsigned char>(c);
      uri += {'%', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      uri += c;
    }
  }
  return uri + std::string(query);
}

}  // namespace

bool has_no_log(const std::filesystem::path& path) {
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::canonical(path, failed);  // as SQLite names its logs
  if (failed) return true;
  for (const char* log : {"-wal", "-journal"}) {
    std::error_code missing;
    const auto size = std::filesystem::file_size(real.string() + log, missing);
    if (!missing && size > 0) return false;
  }
  return true;
}

Error sqlite_error(sqlite3* connection, int code, const std::filesystem::path& path) {
  const std::string what = connection != nullptr ? sqlite3_errmsg(connection) : sqlite3_errstr(code);
  std::string message = path.string() + ": " + what;
  const int primary = code & 0xff;
  int system_code = connection != nullptr ? sqlite3_system_errno(connection) : 0;
  if (primary == SQLITE_CANTOPEN) system_code = opening_failure(path, system_code);
  if (system_code != 0 && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY)) {
    message += std::string(" (") + std::strerror(system_code) + ")";
  }
  if (primary == SQLITE_INTERRUPT) return Error{ErrorKind::interrupted, message};
  return Error{is_environment(code) ? ErrorKind::environment : ErrorKind::bad_input, message + hint(code)};
}

Statement& Statement::bind(int parameter, std::int64_t value) {
  if (bind_code_ == SQLITE_OK) bind_code_ = sqlite3_bind_int64(statement_.get(), parameter, value);
  return *this;
}

Statement& Statement::bind(int parameter, double value) {
  if (bind_code_ == SQLITE_OK) bind_code_ = sqlite3_bind_double(statement_.get(), parameter, value);
  return *this;
}

Statement& Statement::bind(int parameter, std::string_view value) {
  // A view of nothing may have no address, which SQLite would take for NULL.
  const char* data = value.empty() ? "" : value.data();
  if (bind_code_ == SQLITE_OK) {
    bind_code_ = sqlite3_bind_text64(statement_.get(), parameter, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  return *this;
}

Statement& Statement::bind(int parameter, std::span<const std::byte> value) {
  if (bind_code_ != SQLITE_OK) return *this;
  bind_code_ = value.empty()
                   ? sqlite3_bind_zeroblob(statement_.get(), parameter, 0)
                   : sqlite3_bind_blob64(statement_.get(), parameter, value.data(), value.size(), SQLITE_TRANSIENT);
  return *this;
}

Statement& Statement::bind_value(int parameter, const SqlValue& value) {
  struct Binder {
    Statement& statement;
    int parameter;
    void operator()(std::monostate) const { statement.bind_null(parameter); }
    void operator()(std::int64_t integer) const { statement.bind(parameter, integer); }
    void operator()(double real) const { statement.bind(parameter, real); }
    void operator()(const std::string& text) const { statement.bind(parameter, std::string_view(text)); }
    void operator()(const std::vector<std::byte>& blob) const {
      statement.bind(parameter, std::span<const std::byte>(blob));
    }
  };
  std::visit(Binder{*this, parameter}, value);
  return *this;
}

Statement& Statement::bind_null(int parameter) {
  if (bind_code_ == SQLITE_OK) bind_code_ = sqlite3_bind_null(statement_.get(), parameter);
  return *this;
}

Result<bool> Statement::step() {
  sqlite3* connection = sqlite3_db_handle(statement_.get());
  if (bind_code_ != SQLITE_OK) return sqlite_error(connection, std::exchange(bind_code_, SQLITE_OK), path_);
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  const Error error = sqlite_error(connection, code, path_);
  reset();
  return error;
}

Result<> Statement::run() {
  ASSAY_ASSIGN(const bool row, step());
  ASSAY_ASSERT(!row, "run() is for statements that give no rows");
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  bind_code_ = SQLITE_OK;
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::text(int column) const {
  const auto* data = sqlite3_column_text(statement_.get(), column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::span<const std::byte> Statement::blob(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

SqlValue Statement::value(int column) const {
  switch (sqlite3_column_type(statement_.get(), column)) {
    case SQLITE_INTEGER:
      return integer(column);
    case SQLITE_FLOAT:
      return real(column);
    case SQLITE_TEXT:
      return text(column);
    case SQLITE_BLOB: {
      const auto bytes = blob(column);
      return std::vector<std::byte>(bytes.begin(), bytes.end());
    }
    default:
      return std::monostate();
  }
}

std::vector<SqlValue> Statement::values(int first_column) const {
  std::vector<SqlValue> values;
  const int n_columns = sqlite3_column_count(statement_.get());
  for (int column = first_column; column < n_columns; ++column) values.push_back(value(column));
  return values;
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  return is_null(column) ? std::nullopt : std::optional(integer(column));
}
std::optional<double> Statement::optional_real(int column) const {
  return is_null(column) ? std::nullopt : std::optional(real(column));
}
std::optional<std::string> Statement::optional_text(int column) const {
  return is_null(column) ? std::nullopt : std::optional(text(column));
}

Result<> for_each_row(Statement& rows, const std::function<Result<>()>& use) {
  while (true) {
    ASSAY_ASSIGN(const bool row, rows.step());
    if (!row) return {};
    ASSAY_TRY(use());
  }
}

Result<> Database::connect(const std::string& uri, int flags) {
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(uri.c_str(), &connection, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr);
  connection_.reset(connection);
  if (code != SQLITE_OK) return sqlite_error(connection, code, path_);
  return harden();
}

Result<> Database::harden() const {
  sqlite3* connection = connection_.get();
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0);
  constexpr std::array<std::pair<int, int>, 4> kDefences = {{{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                                             {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                                             {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                                             {SQLITE_DBCONFIG_ENABLE_FKEY, 1}}};
  for (const auto& [option, value] : kDefences) {
    const int code = sqlite3_db_config(connection, option, value, nullptr);
    if (code != SQLITE_OK) return sqlite_error(connection, code, path_);
  }
  return execute("PRAGMA cell_size_check = ON");
}

Result<std::string> read_start(const std::filesystem::path& path, std::size_t n_most) {
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  if (failed) return environment_error(path.string(), ": ", failed.message());
  // Immutable: nothing is locked, no log is replayed, nothing of the content is believed.
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(to_uri(absolute, "?immutable=1").c_str(), &opened,
                                   SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE, nullptr);
  const std::unique_ptr<sqlite3, SqliteClose> connection(opened);
  const auto unreadable = [&] {
    return environment_error(path.string(), ": can't be read: ", std::strerror(sqlite3_system_errno(opened)));
  };
  if (code != SQLITE_OK) return unreadable();
  sqlite3_file* file = nullptr;
  sqlite3_file_control(opened, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  const std::uintmax_t n_bytes = std::filesystem::file_size(absolute, failed);  // SQLite takes one byte for none
  if (failed) return environment_error(path.string(), ": ", failed.message());
  std::string start(static_cast<std::size_t>(std::min<std::uintmax_t>(n_most, n_bytes)), '\0');
  if (file->pMethods->xRead(file, start.data(), static_cast<int>(start.size()), 0) != SQLITE_OK) return unreadable();
  return start;
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path, Mode mode) {
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  if (failed) return environment_error(path.string(), ": ", failed.message());
  auto database = std::unique_ptr<Database>(new Database(path));
  if (mode != Mode::read_only) {
    const int flags = SQLITE_OPEN_READWRITE | (mode == Mode::create ? SQLITE_OPEN_CREATE : 0);
    ASSAY_TRY(database->connect(to_uri(absolute, ""), flags));
    // SQLite falls back to reading where it may not write, and would say so only at the first write.
    if (sqlite3_db_readonly(database->connection_.get(), "main") == 1) {
      return environment_error(path.string(), ": can't be written", hint(SQLITE_READONLY));
    }
    return database;
  }
  ASSAY_TRY(database->connect(to_uri(absolute, ""), SQLITE_OPEN_READONLY));
  // A database in WAL mode needs a shared-memory file beside it. Where that can't be made and no log stands beside it,
  // the file is the whole truth, and it is read as immutable.
  if (const auto first_read = database->query_integer("PRAGMA schema_version"); !first_read) {
    const int code = sqlite3_errcode(database->connection_.get()) & 0xff;
    if ((code != SQLITE_CANTOPEN && code != SQLITE_READONLY) || !has_no_log(absolute)) return first_read.error();
    ASSAY_TRY(database->connect(to_uri(absolute, "?immutable=1"), SQLITE_OPEN_READONLY));
    ASSAY_TRY(database->query_integer("PRAGMA schema_version"));
  }
  return database;
}

Result<std::unique_ptr<Database>> Database::open_in_memory() {
  auto database = std::unique_ptr<Database>(new Database("in memory"));
  ASSAY_TRY(database->connect("file::memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  Statement prepared(statement, path_);
  if (code != SQLITE_OK) return sqlite_error(connection_.get(), code, path_);
  ASSAY_ASSERT(statement != nullptr, "the text holds a statement");
  return prepared;
}

Result<> Database::execute(std::string_view sql) const {
  const int code = sqlite3_exec(connection_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(connection_.get(), code, path_);
  return {};
}

Result<std::int64_t> Database::query_integer(std::string_view sql) const {
  ASSAY_ASSIGN(auto statement, prepare(sql));
  ASSAY_ASSIGN(const bool row, statement.step());
  if (!row) return bad_input(path_.string(), ": no answer to ", sql);
  return statement.integer(0);
}

Result<Transaction> Transaction::begin(const Database& database, Kind kind) {
  const bool is_nested = database.in_transaction();
  ASSAY_TRY(database.execute(is_nested ? "SAVEPOINT part" : kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN"));
  return Transaction(database, is_nested);
}

Result<> Transaction::commit() {
  ASSAY_TRY(database_->execute(is_nested_ ? "RELEASE part" : "COMMIT"));
  database_ = nullptr;
  return {};
}

namespace {
constexpr int kRollbackTries = 100;
}

Transaction::~Transaction() {
  // After some errors (disk full) SQLite has rolled back by itself.
  if (database_ == nullptr || !database_->in_transaction()) return;
  auto undone = database_->execute(is_nested_ ? "ROLLBACK TO part; RELEASE part" : "ROLLBACK");
  // interrupt() may have met the rollback itself. It goes on meeting it while something else of the connection is open:
  // a full-text index keeps a handle through a whole transaction. Then the connection's end is that of the transaction.
  const auto is_interrupted = [&] { return !undone && undone.error().kind == ErrorKind::interrupted; };
  for (int i = 0; i < kRollbackTries && is_interrupted() && !is_nested_ && database_->in_transaction(); ++i) {
    undone = database_->execute("ROLLBACK");
  }
  ASSAY_ASSERT(undone || is_nested_ || is_interrupted() || !database_->in_transaction(),
               "a rollback always ends the transaction");
}

}  // namespace assay::results
