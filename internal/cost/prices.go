package cost

import (
	_ "embed"
	"encoding/json"
	"math/big"
)

// data is every price, with its source and date.
//
//go:embed prices.json
var data []byte

// price is one price of AWS.
type price struct {
	ID, Service, What, Unit string
	// Price is for one unit, in the first region; Regions has those that differ.
	Price   string
	Regions map[string]string
	// Free is what an account has each month for nothing, as long as it exists; empty for nothing.
	Free string
	// NewAccount says what only new accounts have; it is not counted.
	NewAccount string
	Source     string
	Confirmed  bool
	Note       string
}

// list is the file.
type list struct {
	Date, Currency, Region string
	Prices                 []price
	Nothing                string
}

// prices reads the file.
func prices() list {
	var l list
	if err := json.Unmarshal(data, &l); err != nil {
		panic(err) // it is part of the program
	}
	return l
}

// in is the price of one unit in a region.
func (p price) in(region string) *big.Rat {
	if own, ok := p.Regions[region]; ok {
		return number(own)
	}
	return number(p.Price)
}

// number reads a decimal; what is in the file is one.
func number(text string) *big.Rat {
	if text == "" {
		return new(big.Rat)
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("prices.json: " + text + " is not a number")
	}
	return r
}
