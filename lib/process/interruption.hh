// What signals do to this process while no command is there to receive them.
#pragma once

#include <vector>

namespace redlock::process {

class Interruption {
  public:
    // A stop signal stops this process at once. The first signal that would end it is kept until everything is in
    // order.
    void note(const std::vector<int> &signals);
    // The same for a signal that somebody else noted; 0: none.
    void keep(int signal) {
        if (signal_ == 0) signal_ = signal;
    }
    // That signal; 0: none came.
    [[nodiscard]] int signal() const { return signal_; }
    // Ends this process by that signal, if one came.
    void obey() const;

  private:
    int signal_ = 0;
};

} // namespace redlock::process
