#include "core/contest.hh"

#include <map>

namespace redlock::core {

Named most_named(const Answers &answers) {
    std::map<std::string_view, std::size_t> counts;
    for (const auto &answer : answers)
        if (answer && answer->names_holder()) ++counts[answer->holder];
    Named most;
    for (const auto &[token, nodes] : counts)
        if (nodes > most.nodes) most = {std::string(token), nodes};
    return most;
}

Standing standing(const Round &round, std::size_t quorum, std::string_view token, bool all_in) {
    const std::size_t own = round.count(Answer::granted);
    const std::size_t open = all_in ? 0 : round.pending();
    const Named rival = most_named(round.answers());
    if (rival.nodes >= quorum) return Standing::shut_out;
    // Too many nodes are broken or silent: it would not help if every rival went away.
    if (own + open + round.count(Answer::refused) < quorum) return Standing::behind;
    if (own > rival.nodes + open) return Standing::ahead;
    if (open == 0) return own == rival.nodes && own > 0 && token < rival.token ? Standing::ahead : Standing::behind;
    const bool may_draw = own + open == rival.nodes && token < rival.token;
    return own + open > rival.nodes || may_draw ? Standing::undecided : Standing::behind;
}

} // namespace redlock::core
