#pragma once
// A page whose content is an answer that is read off the window's thread: a heading, a row of controls, and below it
// either the content or what there is to do first.

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QStackedLayout>
#include <functional>

#include "gui/models/chosen_runs.h"
#include "gui/models/latest_job.h"
#include "gui/views/page.h"

namespace assay::gui {

class ReadingPage : public Page {
  Q_OBJECT

 public:
  QString name() const override { return name_; }
  QString title() const override { return title_; }
  bool is_busy() const override { return job_.is_running(); }
  /// What is said in place of the content, or of what is being read; empty while there is nothing to say.
  QString message() const;

 protected:
  /// `purpose`: the question that the page answers, below its title.
  ReadingPage(const PageContext& context, QString name, QString title, const QString& purpose, QWidget* parent);

  /// A way out of an empty page.
  struct Offer {
    QString label;  ///< with its mnemonic
    std::function<void()> act;
  };

  Workspace& workspace() { return context_.workspace; }
  const ViewState& state() const { return context_.navigator.state(); }
  QString setting(const QString& key, const QString& otherwise = {}) const;
  /// A step of the user: takes part in undo and links. An empty value is the default.
  void set_setting(const QString& key, const QString& value);
  void go(ViewState state) { context_.navigator.go(std::move(state)); }

  QHBoxLayout* controls() { return controls_; }
  QVBoxLayout* body() { return body_; }

  void show_message(const QString& text, std::vector<Offer> offers = {});
  void show_body();
  /// Where a page needs runs and has none.
  void offer_runs(const ChosenRuns& chosen, int n_least, const QString& what_for);

  /// Reads the answer to a question, unless it is the one that was asked last; says meanwhile what is waited for.
  template <class Work, class Done>
  void ask(const QString& question, const QString& waits_for, Work work, Done done) {
    if (question == question_) return;
    question_ = question;
    if (!has_body_) show_message(waits_for);
    show_waiting(waits_for);
    job_.start(std::move(work), [this, done = std::move(done)](auto answer) mutable {
      show_waiting({});
      done(std::move(answer));
    });
  }
  void forget_question() {
    question_.clear();
    job_.cancel();
    show_waiting({});
  }

 private:
  void show_waiting(const QString& text);

  PageContext context_;
  QString name_, title_;
  QString question_;
  bool has_body_ = false;
  LatestJob job_;
  QLabel* waiting_;
  QLabel* message_;
  QHBoxLayout* offers_;
  QHBoxLayout* controls_;
  QVBoxLayout* body_;
  QScrollArea* scroll_;
  QStackedLayout* stack_;
};

}  // namespace assay::gui
