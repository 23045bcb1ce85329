// Package jose holds the tokens of package strategies against another library in another
// language: npm's jose, whose version package-lock.json pins. Nothing but this machine is
// asked, except by npm for the library itself, once.
package jose
