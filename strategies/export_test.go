package strategies

// Sum completes a forged token with its checksum.
func Sum(body string) string {
	const prefix = "kahu_"
	rest := body[len(prefix):]
	return tokenText{prefix, rest[:idChars], rest[idChars:]}.String()
}

// SumOf completes a forged token with another prefix.
func SumOf(prefix, rest string) string {
	return tokenText{prefix, rest[:idChars], rest[idChars:]}.String()
}
