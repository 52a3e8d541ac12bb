#include "process/interruption.hh"

#include "event/signals.hh"
#include "process/terminal.hh"

namespace redlock::process {

void Interruption::note(const std::vector<int> &signals) {
    for (const int signal : signals) {
        const event::DefaultAction action = event::default_action(signal);
        if (action == event::DefaultAction::stop) stop_self();
        if (action == event::DefaultAction::terminate && signal_ == 0) signal_ = signal;
    }
}

void Interruption::obey() const {
    if (signal_ != 0) event::die_of(signal_);
}

} // namespace redlock::process
