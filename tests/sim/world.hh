// True time, and what is to happen when. One seed makes one schedule: events of the same moment happen in
// the order in which they were planned. Nobody inside the simulated machines sees true time; they read clocks.
#pragma once

#include "random.hh"

#include <cstddef>
#include <new>
#include <string>
#include <type_traits>
#include <vector>

namespace redlock::sim {

struct TrueTime {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<TrueTime>;
    static constexpr bool is_steady = true;
};
using Moment = TrueTime::time_point;

inline constexpr Moment never = Moment{std::chrono::hours{24 * 366}};

// Something promised did not come true.
struct Violation {
    std::string what;
};

// The parts one after the other, numbers in decimal.
template <class... Parts> std::string text(const Parts &...parts) {
    std::string out;
    const auto add = [&out](const auto &part) {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(part)>> && sizeof(part) > 1)
            out += std::to_string(part);
        else out += part;
    };
    (add(parts), ...);
    return out;
}

// Milliseconds with six digits behind the point.
std::string show(Duration duration);
inline std::string show(Moment moment) { return show(moment.time_since_epoch()); }

class World {
  public:
    World(std::uint64_t seed, bool trace) : random(seed), trace_(trace) {}
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    [[nodiscard]] Moment now() const { return now_; }

    // Plans a call. `action` is a lambda that holds pointers and numbers only.
    template <class Action> void at(Moment when, Action action) {
        static_assert(std::is_trivially_copyable_v<Action> && sizeof(Action) <= sizeof(Event::state));
        Event event;
        event.when = when < now_ ? now_ : when;
        event.order = next_order_++;
        ::new (static_cast<void *>(event.state)) Action(action);
        event.run = [](std::byte *state) { (*std::launder(reinterpret_cast<Action *>(state)))(); };
        push(event);
    }
    template <class Action> void after(Duration delay, Action action) { at(now_ + delay, action); }

    // Runs the next event; false when there is none.
    bool step();
    [[nodiscard]] std::uint64_t events() const { return next_order_; }

    // A line of the trace, made only when somebody reads it.
    template <class Line> void note(Line line) {
        if (trace_) write(line());
    }

    Random random;

  private:
    struct Event {
        Moment when;
        std::uint64_t order;
        void (*run)(std::byte *);
        alignas(void *) std::byte state[40];
    };
    static bool later(const Event &a, const Event &b) { return a.when != b.when ? a.when > b.when : a.order > b.order; }
    void push(const Event &event);
    void write(const std::string &line) const;

    std::vector<Event> events_; // a heap
    Moment now_{};
    std::uint64_t next_order_ = 0;
    bool trace_;
};

} // namespace redlock::sim
