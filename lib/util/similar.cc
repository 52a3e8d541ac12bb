#include "util/similar.hh"

#include <algorithm>
#include <numeric>
#include <vector>

namespace redlock {

namespace {

// Insertions, deletions, substitutions and swaps of neighbours that lead from `a` to `b`.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> now(b.size() + 1);
    std::iota(last.begin(), last.end(), 0U);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t swap = a[i - 1] == b[j - 1] ? 0U : 1U;
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + swap});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = std::min(now[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, now);
    }
    return last[b.size()];
}

} // namespace

std::string_view closest(std::string_view word, std::span<const std::string_view> candidates) {
    constexpr std::size_t longest_word = 64; // what is longer is no typing error, and costs its square
    if (word.size() < 2 || word.size() > longest_word) return {};
    std::string_view best;
    std::size_t best_distance = word.size() <= 4 ? 2 : 3;
    for (const std::string_view candidate : candidates) {
        const bool abbreviated = word.size() >= 3 && candidate.starts_with(word);
        const std::size_t d = abbreviated ? 0 : distance(word, candidate);
        if (d >= best_distance || d >= candidate.size()) continue;
        best_distance = d;
        best = candidate;
    }
    return best;
}

} // namespace redlock
