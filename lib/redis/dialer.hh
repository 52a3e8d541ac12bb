// From a node's URL to a stream: looks the name up once and keeps the result, then offers one address
// after the other. Never blocks, never throws; a failure is why().
//
// One round of dialling: dial() until a stream works (settle()) or dial() brings none although nothing is
// being looked up. reject() tells why the last stream came to nothing.
#pragma once

#include "config/node_url.hh"
#include "event/poll_set.hh"
#include "redis/socket_stream.hh"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace redlock::redis {

// How a stream to an address is opened; as open_socket().
using OpenStream = std::function<std::unique_ptr<Stream>(const Address &, Duration patience)>;

class Dialer {
  public:
    // `url` is borrowed and must outlive the dialer. `addresses`: when they are known already.
    Dialer(const config::NodeUrl &url, Duration patience, std::vector<Address> addresses = {},
           OpenStream open = open_socket)
        : url_(url), patience_(patience), open_(std::move(open)), addresses_(std::move(addresses)) {}

    // A stream that is open or about to be, to the next address of this round; try to write to it.
    // Empty: wait for the name while resolving(), else the round is over and why() says what failed.
    // `deadline` is shared out evenly among the addresses not yet tried: see switch_at().
    std::unique_ptr<Stream> dial(Instant now, Instant deadline);

    // The last stream failed with this errno value, or took longer than its share.
    void reject(int error);
    // Ends the round: the last stream works, or nobody needs one any more. The next round begins with the
    // address that is the current one.
    void settle();

    // When to give the last stream up for the next address; nullopt: it is the last one.
    [[nodiscard]] std::optional<Instant> switch_at() const { return switch_at_; }
    // dial() is waiting for the name.
    [[nodiscard]] bool resolving() const { return addresses_.empty() && lookup_; }
    // Why the round failed; safe to print.
    [[nodiscard]] const std::string &why() const { return why_; }

    void watch(event::PollSet &set) const;
    // Takes the result of a look-up, if one has come. True: dial() was waiting for it; call it again, or
    // settle() if nobody needs a stream any more.
    [[nodiscard]] bool take_lookup();

  private:
    const config::NodeUrl &url_;
    const Duration patience_;
    const OpenStream open_;
    std::vector<Address> addresses_; // the first is the next to dial
    std::shared_ptr<const Lookup> lookup_;
    bool unresolved_ = false; // the look-up of this round has failed
    std::size_t tried_ = 0;   // addresses that failed in this round
    std::optional<Instant> switch_at_;
    std::string why_;
};

} // namespace redlock::redis
