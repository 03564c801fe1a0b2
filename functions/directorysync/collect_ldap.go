package directorysync

// ldapSource is the organisation's own directory.
type ldapSource interface{}
