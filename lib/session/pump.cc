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

std::vector<int> Pump::turn(std::optional<Instant> deadline) {
    poll_.clear();
    signals_.watch(poll_);
    nodes_.watch(poll_);
    poll_.wait(earlier(deadline, earlier(core_.deadline(), nodes_.deadline())));
    // Replies first, then the time: what has arrived in time counts.
    nodes_.handle(poll_);
    send();
    core_.tick(event::now());
    send();
    return signals_.take(poll_);
}

} // namespace redlock::session
