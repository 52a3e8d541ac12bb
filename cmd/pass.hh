// Questions to all nodes as the settings want them, and the words when too few nodes answered. Borrows settings and
// signals.
#pragma once

#include "cmd/report.hh"
#include "cmd/settings.hh"
#include "session/inquiry.hh"

#include <string>
#include <string_view>

namespace redlock::cmd {

class Pass {
  public:
    Pass(const Settings &settings, event::Signals &signals);

    // See session::Inquiry::ask.
    core::Sweep ask(core::Verb verb, const std::string &key) { return inquiry_.ask(verb, key, settings_.target.token); }
    // Closes the connections in good order; ends this process by the signal that came, if one did.
    void finish();

  private:
    const Settings &settings_;
    process::Interruption interruption_;
    session::Inquiry inquiry_;
};

// Of a `sweep` that was denied.
int code_when_denied(const core::Sweep &sweep);

// For a `sweep` that too few nodes answered, only so many of them `well`: says so ("NAME `trouble`"), puts the word for
// it into `report` and returns the exit code.
int complain(const Settings &settings, const core::Sweep &sweep, std::size_t well, std::string_view trouble,
             Report &report);

} // namespace redlock::cmd
