package throttle_test

import (
	"context"
	"fmt"
	"time"

	"github.com/kahu-go/kahu/throttle"
)

// An attempt is counted before it is made, and taken back or forgotten if it was none of those that are to be limited.
func Example() {
	const limit = 3
	ctx, counter := context.Background(), throttle.NewMemory()
	now := time.Date(2031, time.March, 4, 5, 0, 0, 0, time.UTC)
	for try := range 5 {
		c, err := counter.Add(ctx, "login account frodo", 1, now, 15*time.Minute)
		switch {
		case err != nil:
			fmt.Println(err) // the store is out of order: 503
		case c.N > limit:
			fmt.Println("refused until", c.Until.Format(time.TimeOnly))
		case try < 2:
			fmt.Println("wrong password")
		}
	}
	_ = counter.Reset(ctx, "login account frodo") // after a success
	c, _ := counter.Add(ctx, "login account frodo", 1, now, 15*time.Minute)
	fmt.Println(c.N)
	// Output:
	// wrong password
	// wrong password
	// refused until 05:15:00
	// refused until 05:15:00
	// 1
}
