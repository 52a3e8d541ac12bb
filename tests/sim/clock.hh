// A machine's clock: its own start, its own rate, and steps. Reads true time and shows something else.
#pragma once

#include "world.hh"

namespace redlock::sim {

class Clock {
  public:
    // `ppm`: how many parts in a million it is too fast.
    Clock(Duration start, std::int64_t ppm) : offset_(start), ppm_(ppm) {}

    [[nodiscard]] Duration read(Moment moment) const {
        const Duration passed = moment.time_since_epoch();
        return offset_ + passed + Duration{passed.count() * ppm_ / million};
    }
    // The first moment of the schedule at which it shows `reading` or more, if nobody sets it meanwhile.
    [[nodiscard]] Moment when(Duration reading) const {
        if (reading <= offset_) return Moment{};
        const Duration::rep shown = (reading - offset_).count();
        if (shown / million > never.time_since_epoch().count() / million) return never;
        // Both parts rounded, then put right by single nanoseconds.
        const Duration::rep whole = shown / (million + ppm_) * million;
        Moment moment{Duration{whole + shown % (million + ppm_) * million / (million + ppm_)}};
        while (read(moment) < reading) moment += Duration{1};
        while (moment > Moment{} && read(moment - Duration{1}) >= reading) moment -= Duration{1};
        return moment;
    }
    void step(Duration by) { offset_ += by; }

  private:
    static constexpr Duration::rep million = 1'000'000;
    Duration offset_;
    Duration::rep ppm_;
};

} // namespace redlock::sim
