package database

import "database/sql/driver"

// poolerConnector makes the same connections, but its driver says that they must not hold prepared statements. Those who would prepare ask the
// pool's driver: db.Driver().(interface{ Unprepared() bool }).
type poolerConnector struct{ driver.Connector }

// Driver implements [driver.Connector].
func (c poolerConnector) Driver() driver.Driver { return poolerDriver{c.Connector.Driver()} }

type poolerDriver struct{ driver.Driver }

// Unprepared tells that statements are not to be prepared.
func (poolerDriver) Unprepared() bool { return true }
