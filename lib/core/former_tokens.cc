#include "core/former_tokens.hh"

#include <algorithm>
#include <utility>

namespace redlock::core {

void FormerTokens::add(Entry entry) { entries_.push_back(std::move(entry)); }

// "Absent" proves nothing while a request that sets the key may still arrive.
void FormerTokens::on_reply(const Reply &reply) {
    const bool clear = reply.answer == Answer::granted || reply.answer == Answer::refused;
    for (Entry &entry : entries_)
        if (entry.acquire == reply.serial && (clear || !reply.sent)) entry.acquire = 0;
    if (!clear) return;
    std::erase_if(entries_, [&](const Entry &entry) {
        return entry.abandon == reply.serial && (reply.answer == Answer::granted || entry.acquire == 0);
    });
}

void FormerTokens::forget_before(Instant limit) {
    std::erase_if(entries_, [&](const Entry &entry) { return entry.added < limit; });
}

FormerTokens::Entry *FormerTokens::find(const Reply &refusal) {
    if (!refusal.names_holder()) return nullptr;
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry &entry) {
        return entry.node == refusal.node && entry.token == refusal.holder;
    });
    return found == entries_.end() ? nullptr : &*found;
}

} // namespace redlock::core
