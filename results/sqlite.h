#pragma once
// A thin layer over SQLite: handles that close themselves, statements that bind and step, transactions, errors as
// Results. The only file of the project that calls sqlite3_close and sqlite3_finalize. Threads: one at a time per
// connection, but for Database::interrupt.

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "harness/base/result.h"

namespace assay::results {

struct SqliteClose {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
struct SqliteFinalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

/// An Error for an SQLite result code: "PATH: what (rule)". `environment` for locks, full disks, input and output, and
/// places that can't be written; `interrupted` for Database::interrupt; `bad_input` for damaged files and values that
/// the schema refuses.
Error sqlite_error(sqlite3* connection, int code, const std::filesystem::path& path);

/// True if no write-ahead log and no rollback journal with content stands beside the database: then all of it is in the
/// file itself.
bool has_no_log(const std::filesystem::path& path);

/// Any value of a column; monostate is NULL.
using SqlValue = std::variant<std::monostate, std::int64_t, double, std::string, std::vector<std::byte>>;

/// A prepared statement. Parameters and columns count from 1 and 0, as in SQLite.
class Statement {
 public:
  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, double value);
  Statement& bind(int parameter, std::string_view value);  ///< copied; may hold any bytes
  Statement& bind(int parameter, std::span<const std::byte> value);
  Statement& bind_value(int parameter, const SqlValue& value);
  Statement& bind_null(int parameter);
  template <class T>
  Statement& bind(int parameter, const std::optional<T>& value) {
    return value ? bind(parameter, *value) : bind_null(parameter);
  }

  /// Goes to the next row; false after the last. Also reports errors of the binds before.
  Result<bool> step();
  /// Runs a statement that gives no rows, then makes it ready for the next use.
  Result<> run();
  void reset();  ///< ready for the next use; keeps no binding

  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  /// Valid until the next step or reset.
  std::span<const std::byte> blob(int column) const;
  SqlValue value(int column) const;
  std::vector<SqlValue> values(int first_column = 0) const;  ///< from `first_column` to the last
  std::optional<std::int64_t> optional_integer(int column) const;
  std::optional<double> optional_real(int column) const;
  std::optional<std::string> optional_text(int column) const;

 private:
  friend class Database;
  Statement(sqlite3_stmt* statement, const std::filesystem::path& path) : statement_(statement), path_(path) {}
  std::unique_ptr<sqlite3_stmt, SqliteFinalize> statement_;
  std::filesystem::path path_;
  int bind_code_ = SQLITE_OK;
};

/// Calls `use` for each row of `rows`; stops at the first error that it returns.
Result<> for_each_row(Statement& rows, const std::function<Result<>()>& use);

/// The first bytes of a file, at most so many, read by SQLite's own means: where this process has the database open,
/// closing another descriptor of the file would drop the locks of all its connections (sqlite.org/howtocorrupt.html,
/// section 2.2). Error{environment} if it can't be read.
Result<std::string> read_start(const std::filesystem::path& path, std::size_t n_most);

/// A connection to one database file.
class Database {
 public:
  enum class Mode { read_only, read_write, create };
  /// Opens with the defences on (defensive, untrusted schema, foreign keys, cell checks) and a busy timeout, and reads
  /// nothing yet. A read-only place without a write-ahead log is opened as immutable.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path, Mode mode);
  static Result<std::unique_ptr<Database>> open_in_memory();

  const std::filesystem::path& path() const { return path_; }
  Result<Statement> prepare(std::string_view sql) const;
  /// Runs one or more statements without parameters; rows are dropped.
  Result<> execute(std::string_view sql) const;
  Result<std::int64_t> query_integer(std::string_view sql) const;
  /// Makes what the connection is doing now fail with Error{interrupted}; nothing if it does nothing. Any thread may
  /// call it while the connection lives.
  void interrupt() const { sqlite3_interrupt(connection_.get()); }
  std::int64_t last_insert_rowid() const { return sqlite3_last_insert_rowid(connection_.get()); }
  bool in_transaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }

 private:
  explicit Database(std::filesystem::path path) : path_(std::move(path)) {}
  Result<> connect(const std::string& uri, int flags);
  Result<> harden() const;
  std::filesystem::path path_;
  std::unique_ptr<sqlite3, SqliteClose> connection_;
};

/// A transaction that is rolled back unless it was committed.
class Transaction {
 public:
  /// `write` takes the write lock at once, so that nothing read in it can be stale when it writes. Within another
  /// transaction it is a part of that one: it can be undone alone, and is durable when the outer one is.
  enum class Kind { read, write };
  static Result<Transaction> begin(const Database& database, Kind kind);
  Transaction(Transaction&& other) noexcept
      : database_(std::exchange(other.database_, nullptr)), is_nested_(other.is_nested_) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<> commit();

 private:
  Transaction(const Database& database, bool is_nested) : database_(&database), is_nested_(is_nested) {}
  const Database* database_;
  bool is_nested_;
};

}  // namespace assay::results
