package passwords

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
)

const phcBcryptPrefix = "$bcrypt$"

var (
	// phcBcrypt has cost, 16 bytes of salt and 23 of digest. The version, 97 for $2a$ and 98 for $2b$, makes no difference to
	// passwords that are as short as ours.
	phcBcrypt = regexp.MustCompile(`^\$bcrypt(?:\$v=9[78])?\$r=([1-9][0-9]?)\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{31})$`)

	bcryptBase64 = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").WithPadding(base64.NoPadding)
)

// fromPHC returns a bcrypt hash that is in the PHC format, as AdonisJS and the phc packages for node write it, in bcrypt's own.
// Everything else it returns unchanged.
func fromPHC(hash string) string {
	part := phcBcrypt.FindStringSubmatch(hash)
	if part == nil {
		return hash
	}
	salt, err := base64.RawStdEncoding.Strict().DecodeString(part[2])
	if err != nil {
		return hash
	}
	digest, err := base64.RawStdEncoding.Strict().DecodeString(part[3])
	if err != nil {
		return hash
	}
	cost, _ := strconv.Atoi(part[1]) // two digits at most
	return fmt.Sprintf("$2b$%02d$%s%s", cost, bcryptBase64.EncodeToString(salt), bcryptBase64.EncodeToString(digest))
}
