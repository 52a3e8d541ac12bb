#include "session/pump.hh"

#include "event/clock.hh"

namespace redlock::session {

void Pump::send() {
    for (;;) {
        for (core::Request &request : core_.take_requests()) nodes_.send(std::move(request));
        const std::vector<core::Reply> replies = nodes_.take_replies();
        if (replies.empty()) return;
        const Instant now = event::now();
        for (const core::Reply &reply : replies) core_.on_reply(now, reply);
    }
}

void Pump::handle(const event::PollSet &set) {
    nodes_.handle(set);
    send();
    core_.tick(event::now());
    send();
}

std::optional<Instant> Pump::deadline() const { return earlier(core_.deadline(), nodes_.deadline()); }

} // namespace redlock::session
