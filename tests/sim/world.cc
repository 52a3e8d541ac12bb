#include "world.hh"

#include <algorithm>
#include <cstdio>

namespace redlock::sim {

std::string show(Duration duration) {
    char line[40];
    std::snprintf(line, sizeof line, "%.6f ms", static_cast<double>(duration.count()) / 1e6);
    return line;
}

void World::push(const Event &event) {
    events_.push_back(event);
    std::push_heap(events_.begin(), events_.end(), later);
}

bool World::step() {
    if (events_.empty()) return false;
    std::pop_heap(events_.begin(), events_.end(), later);
    Event event = events_.back();
    events_.pop_back();
    now_ = event.when;
    event.run(event.state);
    return true;
}

void World::write(const std::string &line) const {
    std::printf("%15.6f  %s\n", static_cast<double>(now_.time_since_epoch().count()) / 1e6, line.c_str());
}

} // namespace redlock::sim
