package p12

import "encoding/asn1"

// maxDepth bounds how deep a file is looked into; real ones have less than 20 levels.
const maxDepth = 32

// laborious reports whether DER holds parameters of a key derivation that would take for
// ever: a salt and a number of iterations (RFC 7292, appendix C, and RFC 8018, appendix
// A.2). The file's checksum does not keep them out, for its password is known to all. It
// sees what is not encrypted, which is all of what files of one key have.
func laborious(der []byte, depth int) bool {
	if depth == 0 {
		return true
	}
	var previous asn1.RawValue
	for first := true; len(der) > 0; first = false {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			return false // no DER: text or ciphertext
		}
		if n := 0; !first && isOctets(previous) && v.Class == asn1.ClassUniversal && v.Tag == asn1.TagInteger {
			if _, err := asn1.Unmarshal(v.FullBytes, &n); err != nil || n > maxIterations {
				return true
			}
		}
		if (v.IsCompound || isOctets(v)) && laborious(v.Bytes, depth-1) {
			return true
		}
		der, previous = rest, v
	}
	return false
}

func isOctets(v asn1.RawValue) bool {
	return v.Class == asn1.ClassUniversal && v.Tag == asn1.TagOctetString && !v.IsCompound
}
